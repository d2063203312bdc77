"""API keys: long random texts that open /v1 for a person's programs."""
