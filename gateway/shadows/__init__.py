"""Revisions that get a copy of what another one is asked, and whose answers nobody is shown."""
