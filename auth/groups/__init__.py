"""People who share a budget, and the models they may ask."""
