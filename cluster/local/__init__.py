"""The embedded stack: every server and service of Headrace on this machine, under one supervisor."""
