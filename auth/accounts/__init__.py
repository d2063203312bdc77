"""People: making an account, proving a password, roles."""
