"""History: conversations and their messages."""
