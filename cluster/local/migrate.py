"""Bring the database that DATABASE_URL names to the newest schema: `python -m cluster.local.migrate`."""

import os
import sys

from core.migrations import upgrade

if __name__ == "__main__":
    if "DATABASE_URL" not in os.environ:
        sys.exit("Set DATABASE_URL to the database that is to be migrated.")
    upgrade(os.environ["DATABASE_URL"])
    sys.stdout.write("The schema is up to date.\n")
