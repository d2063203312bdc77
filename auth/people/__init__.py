"""Accounts as administrators look after them."""
