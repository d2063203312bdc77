"""A library of prompts with variables: one's own, and those for everyone."""
