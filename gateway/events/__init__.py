"""Whatever changes, pushed to the person's open tabs."""
