"""How it all runs: the command line, the embedded servers and their supervisor, containers."""
