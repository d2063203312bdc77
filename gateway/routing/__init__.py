"""From the public name of a model to the revision that answers."""
