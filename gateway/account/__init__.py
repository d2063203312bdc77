"""What a person can do with all that is theirs at once."""
