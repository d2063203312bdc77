"""Passkeys (WebAuthn): as the second factor behind a password, and as all there is."""
