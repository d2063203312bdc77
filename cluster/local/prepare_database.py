"""What a database needs before the gateway may use it: the newest schema, and the local account's key.

`python -m cluster.local.prepare_database KEY-FILE`, run as a task on every start.
"""

import sys
from pathlib import Path

from cluster.local.operator import ensure_local_key
from core.log import configure_logging
from core.migrations import upgrade
from core.settings import Settings

if __name__ == "__main__":
    settings = Settings()
    configure_logging("migrate", settings.log_level, settings.log_format)
    upgrade(settings.database_url.get_secret_value())
    made = ensure_local_key(settings, Path(sys.argv[1]))
    sys.stdout.write("A local key was made.\n" if made else "The local key is in place.\n")
