"""One revision takes over a model's traffic from another, in steps that are watched, with a receipt."""
