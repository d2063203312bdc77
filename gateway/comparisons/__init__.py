"""Revisions side by side, on one's own prompt."""
