"""`headrace mail`: the letters of an instance that has no mail server."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console
from rich.table import Table

from cluster.local.directory import var_directory
from cluster.local.errors import ClusterError

MOST_LISTED = 20


def show(*, number: int | None) -> None:
    """List the newest letters, or print one: 1 is the newest. Raises ClusterError."""
    console = Console(highlight=False)
    paths = sorted((var_directory().mail).glob("eml_*.eml"), reverse=True)
    if number is not None:
        if not 1 <= number <= len(paths):
            raise ClusterError(f"There is no letter {number}; there are {len(paths)}.")
        letter = _read(paths[number - 1])
        body = letter.get_body(("plain",))
        console.print(
            f"To: {letter['To']}\nDate: {letter['Date']}\nSubject: {letter['Subject']}\n", markup=False
        )
        console.print(body.get_content() if body else "", markup=False, soft_wrap=True)
        return
    if not paths:
        console.print("No letters. They are here while no mail server is set (HEADRACE_SMTP_HOST).")
        return
    table = Table("", "date", "to", "subject")
    for place, path in enumerate(paths[:MOST_LISTED], start=1):
        letter = _read(path)
        table.add_row(str(place), letter["Date"], letter["To"], letter["Subject"])
    console.print(table)
    console.print("Read one with: ./headrace mail 1")


def _read(path: Path) -> EmailMessage:
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy's own kind
    return message
