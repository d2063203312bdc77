"""`headrace users`: accounts, made and changed by whoever runs this machine."""

import asyncio
import getpass
import os
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console

from auth.accounts.service import Accounts
from auth.principal import Role
from auth.wiring import accounts_for_command_line
from cluster.local import daemon
from cluster.local.directory import var_directory
from cluster.local.errors import ClusterError
from cluster.local.plan import load_plan
from cluster.local.stack import command_line_environment
from core.errors import HeadraceError
from core.log import configure_logging
from core.settings import Settings


def create_admin(*, email: str | None, name: str, password_stdin: bool) -> None:
    """Ask for what is missing and make the account. Raises ClusterError with what to change."""
    settings = _settings()
    if email is None:
        email = _ask("Email: ")
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else _ask_password()
    _run(settings, lambda accounts: accounts.create_admin(email, password, name))
    Console(highlight=False).print(f"{email} is an administrator now.")


def set_role(*, email: str, role: str) -> None:
    """Give an account another role. Raises ClusterError."""
    try:
        wanted = Role(role)
    except ValueError as error:
        raise ClusterError(f"There is no role {role!r}; choose {' or '.join(Role)}.") from error
    _run(_settings(), lambda accounts: accounts.set_role(email, wanted))
    Console(highlight=False).print(f"{email} is {wanted} now.")


def _settings() -> Settings:
    """Those of this instance when it is up; else those of the environment, for the external mode."""
    var = var_directory()
    plan = load_plan(var.plan_file)
    if daemon.running(var) is not None and plan is not None:
        os.environ.update(command_line_environment(plan, var))
    elif "DATABASE_URL" not in os.environ:
        raise ClusterError("Headrace is not up; start it with ./headrace up, or set DATABASE_URL.")
    return Settings()


def _run(settings: Settings, action: Callable[[Accounts], Awaitable[object]]) -> None:
    async def act() -> None:
        async with accounts_for_command_line(settings) as accounts:
            await action(accounts)

    configure_logging("command-line", "ERROR", "text")
    try:
        asyncio.run(act())
    except HeadraceError as error:
        details = "; ".join(message for _, message in error.fields if message not in error.detail)
        raise ClusterError(f"{error.detail} {details}".strip()) from error


def _ask(question: str) -> str:
    if not sys.stdin.isatty():
        raise ClusterError("Name the address: ./headrace users create-admin EMAIL")
    return input(question).strip()


def _ask_password() -> str:
    if not sys.stdin.isatty():
        raise ClusterError("Give the password with --password-stdin, or run this on a terminal.")
    password = getpass.getpass("Password (at least 15 characters): ")
    if getpass.getpass("Again: ") != password:
        raise ClusterError("The two passwords differ; nothing was changed.")
    return password
