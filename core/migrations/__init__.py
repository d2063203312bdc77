"""The schema of every table, as one history."""

from pathlib import Path

from alembic import command
from alembic.config import Config


def configuration(dsn: str) -> Config:
    """Alembic's configuration for this folder and the database at `dsn` (a postgresql:// address)."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    # A percent sign in a password would be read as an interpolation.
    config.attributes["dsn"] = dsn
    return config


def upgrade(dsn: str) -> None:
    """Bring the database to the newest schema; several processes may call it at the same time."""
    command.upgrade(configuration(dsn), "head")
