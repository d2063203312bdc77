"""`headrace users`: accounts, made and changed by whoever runs this machine."""

import asyncio
import getpass
import sys
from collections.abc import Awaitable, Callable

from rich.console import Console

from auth.accounts.service import Accounts
from auth.command_line import accounts_for_command_line
from auth.principal import Role
from cluster.local.errors import ClusterError
from cluster.local.instance_settings import instance_settings
from core.errors import HeadraceError
from core.log import configure_logging
from core.settings import Settings


def create_admin(*, email: str | None, name: str, password_stdin: bool) -> None:
    """Ask for what is missing and make the account. Raises ClusterError with what to change."""
    settings = instance_settings()
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
    _run(instance_settings(), lambda accounts: accounts.set_role(email, wanted))
    Console(highlight=False).print(f"{email} is {wanted} now.")


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
