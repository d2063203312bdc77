"""What every test may ask for: real servers, started once for the whole run when the first test wants one."""

import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import structlog

from cluster.local.infrastructure import EmbeddedInfrastructure
from core.migrations import upgrade
from core.settings import Mode, Settings

# What structlog does by itself prints an exception with every local variable: half a second each, in the
# event loop of the test, and on a busy machine longer than a server keeps a connection open.
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.dev.set_exc_info,
        structlog.processors.TimeStamper(fmt="%H:%M:%S"),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


@pytest.fixture(scope="session")
def infrastructure() -> Iterator[EmbeddedInfrastructure]:
    """PostgreSQL with our schema, Valkey and the broker. A test that takes one down brings it up again."""
    directory = Path(tempfile.mkdtemp(prefix="headrace-tests-"))
    servers = EmbeddedInfrastructure(directory)
    try:
        servers.start()
        # Alembic runs an event loop of its own, which the thread of the tests may already have.
        with ThreadPoolExecutor(1) as executor:
            executor.submit(upgrade, servers.database_url).result(timeout=60)
        yield servers
    finally:
        servers.stop()
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def postgres_url(infrastructure: EmbeddedInfrastructure) -> str:
    """A database with our schema."""
    return infrastructure.database_url


@pytest.fixture(scope="session")
def redis_url(infrastructure: EmbeddedInfrastructure) -> str:
    """A Valkey with a password."""
    return infrastructure.redis_url


@pytest.fixture(scope="session")
def kafka_servers(infrastructure: EmbeddedInfrastructure) -> str:
    """The embedded broker, as KAFKA_BOOTSTRAP_SERVERS."""
    return infrastructure.kafka_bootstrap_servers


@pytest.fixture(scope="session")
def settings(infrastructure: EmbeddedInfrastructure) -> Settings:
    """The settings of a process in the embedded mode that uses these servers."""
    return Settings.model_validate(
        {
            "database_url": infrastructure.database_url,
            "redis_url": infrastructure.redis_url,
            "kafka_bootstrap_servers": infrastructure.kafka_bootstrap_servers,
            "kafka_enable_idempotence": False,
            "mode": Mode.EMBEDDED,
            "var_dir": infrastructure.var.root,
            "internal_token": infrastructure.secrets.internal_token,
            "signing_key_file": infrastructure.secrets.signing_key_file,
        }
    )
