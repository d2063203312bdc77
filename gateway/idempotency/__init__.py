"""Idempotency keys: a request that is sent again has its effect once."""
