"""Accounts that their owners delete, after a time of grace."""
