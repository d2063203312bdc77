"""Changing what opens an account: its password and its email address, also when the password is forgotten."""
