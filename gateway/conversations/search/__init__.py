"""Full-text search over one person's conversations."""
