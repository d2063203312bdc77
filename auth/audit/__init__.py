"""Who did what, when and from where: rows that are only added, each bound to the one before it."""
