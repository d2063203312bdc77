"""Being signed in: sessions, the tokens that show them, and the keys that sign."""
