"""Share links: a conversation as it was at one moment, for everybody who has the link."""
