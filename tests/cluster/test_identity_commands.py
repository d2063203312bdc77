"""`headrace mail`, `headrace audit verify` and `headrace keys rotate`, as somebody types them."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from auth.command_line import audit_for_command_line
from auth.mail.letters import Letter
from auth.mail.senders import FolderSender
from auth.sessions.signing_keys import Keyring, create_signing_key
from core.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def headrace(tmp_path: Path, settings: Settings) -> Run:
    """The command line beside servers that somebody else runs."""
    key = tmp_path / "key.pem"
    create_signing_key(key)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cluster.cli", *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "HEADRACE_VAR_DIR": str(tmp_path / "var"),
                "HEADRACE_SIGNING_KEY_FILE": str(key),
                "HEADRACE_INTERNAL_TOKEN": settings.internal_token.get_secret_value(),
                "DATABASE_URL": settings.database_url.get_secret_value(),
                "REDIS_URL": settings.redis_url.get_secret_value(),
                "COLUMNS": "120",
            },
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )

    return run


def test_letters_are_listed_and_read(headrace: Run, tmp_path: Path) -> None:
    assert "No letters" in headrace("mail").stdout
    sender = FolderSender(tmp_path / "var" / "mail", sender="Headrace <h@example.com>")
    for number in (1, 2):
        letter = Letter(
            f"kim{number}@example.com", f"Letter {number}", f"Words {number} [b]x[/b]\n", "<p>x</p>"
        )
        asyncio.run(sender.send(letter))
    listed = headrace("mail").stdout
    assert listed.index("Letter 2") < listed.index("Letter 1")
    read = headrace("mail", "2").stdout
    assert "Words 1 [b]x[/b]" in read
    missing = headrace("mail", "3")
    assert missing.returncode == 1
    assert "There is no letter 3" in missing.stderr


def test_an_audit_log_is_checked(headrace: Run, settings: Settings) -> None:
    async def record() -> None:
        async with audit_for_command_line(settings) as audit:
            await audit.record("test.done", None)

    asyncio.run(record())
    done = headrace("audit", "verify")
    assert done.returncode == 0, done.stderr
    assert "nothing was changed" in done.stdout


@pytest.mark.parametrize("options", [(), ("--withdraw",)])
def test_the_signing_key_is_changed(headrace: Run, tmp_path: Path, options: tuple[str, ...]) -> None:
    def kids() -> list[str]:
        keyring = Keyring(tmp_path / "key.pem")
        keyring.load()
        return [keyring.current.kid, *(key["kid"] for key in keyring.jwks()["keys"])]

    old = kids()[0]
    done = headrace("keys", "rotate", *options)
    assert done.returncode == 0, done.stderr
    new, *known = kids()
    assert new != old
    assert (old in known) is (options == ())
