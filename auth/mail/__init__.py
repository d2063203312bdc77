"""Mail to people: ordered while somebody waits, written and sent when nobody does."""
