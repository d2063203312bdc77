"""The commands of `./headrace`, one file each; each is imported when it is asked for."""
