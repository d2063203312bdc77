"""Invitations: links that open registration to whoever got one."""
