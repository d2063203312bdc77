"""Mails leave the house: by a real SMTP server, again after a failure, and once."""

import asyncio
import email
import email.policy
import secrets
import socket
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from auth.accounts.one_time_links import OneTimeLinks
from auth.accounts.repository import AccountRepository
from auth.accounts.tables import UserRow
from auth.mail.letters import Kind, Letter, write
from auth.mail.orders import LEASE, MailOrders
from auth.mail.postman import GIVE_UP_AFTER, Postman
from auth.mail.senders import (
    FolderSender,
    MailDelayed,
    MailRefused,
    MailSender,
    SmtpSender,
    message_of,
    sender_of,
)
from auth.principal import Role
from core.postgres import Postgres
from core.settings import Settings, SmtpSecurity
from tests.auth.process import PUBLIC_URL, Mailbox, MovableClock

SENDER = "Headrace <post@headrace.example>"
LETTER = Letter("kim@example.com", "Grüße", "Text with é\n", "<p>HTML with é</p>")


class Server:
    """An SMTP server that keeps what it gets, and refuses what it is told to."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.says = {"rcpt": "250 OK", "data": "250 OK"}

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: Any
    ) -> str:
        if self.says["rcpt"].startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.says["rcpt"]

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.says["data"].startswith("250"):
            content = envelope.content or b""
            raw = content if isinstance(content, bytes) else content.encode()
            message = email.message_from_bytes(raw, policy=email.policy.default)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
            self.recipients += envelope.rcpt_tos
        return self.says["data"]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
async def server() -> AsyncIterator[tuple[Server, int]]:
    handler = Server()
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    await asyncio.to_thread(controller.start)
    try:
        yield handler, controller.port
    finally:
        await asyncio.to_thread(controller.stop)


def by_smtp(port: int, **changes: Any) -> SmtpSender:
    options: dict[str, Any] = {"security": SmtpSecurity.NONE, "username": None, "password": None, **changes}
    return SmtpSender("127.0.0.1", port, sender=SENDER, **options)


async def test_a_letter_arrives_with_both_bodies(server: tuple[Server, int]) -> None:
    handler, port = server
    await by_smtp(port).send(LETTER)
    (message,) = handler.messages
    assert (message["From"], message["To"], message["Subject"]) == (SENDER, LETTER.recipient, LETTER.subject)
    assert handler.recipients == [LETTER.recipient]
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"].endswith("@headrace.example>")
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == LETTER.text.splitlines()
    assert html.get_content().strip() == LETTER.html


@pytest.mark.parametrize(
    ("at", "says", "error"),
    [
        ("rcpt", "550 No such mailbox", MailRefused),
        ("rcpt", "450 Mailbox is busy", MailDelayed),
        ("data", "451 Try later", MailDelayed),
        ("data", "554 Refused", MailDelayed),
    ],
)
async def test_what_the_server_says_decides_whether_to_try_again(
    server: tuple[Server, int], at: str, says: str, error: type[Exception]
) -> None:
    handler, port = server
    handler.says[at] = says
    with pytest.raises(error):
        await by_smtp(port).send(LETTER)


async def test_a_server_that_is_away_or_has_no_tls_delays(server: tuple[Server, int]) -> None:
    _, port = server
    with pytest.raises(MailDelayed):
        await by_smtp(1).send(LETTER)
    with pytest.raises(MailDelayed):
        await by_smtp(port, security=SmtpSecurity.STARTTLS, username="u", password="p").send(LETTER)
    with pytest.raises(MailDelayed):
        await by_smtp(port, security=SmtpSecurity.TLS).send(LETTER)


async def test_a_password_never_goes_over_an_open_line(server: tuple[Server, int]) -> None:
    """The server offers no STARTTLS: whoever asks for it must not go on without."""
    seen: list[object] = []

    class Listening(Server):
        async def auth_PLAIN(self, _: SMTP, args: list[str]) -> AuthResult:  # noqa: N802
            seen.append(args)
            return AuthResult(success=True)

    controller = Controller(
        Listening(), hostname="127.0.0.1", port=free_port(), auth_required=False, auth_require_tls=False
    )
    await asyncio.to_thread(controller.start)
    try:
        port = controller.port
        with pytest.raises(MailDelayed):
            await by_smtp(port, security=SmtpSecurity.STARTTLS, username="u", password="p").send(LETTER)
    finally:
        await asyncio.to_thread(controller.stop)
    assert seen == []


@pytest.mark.parametrize("recipient", ["kim@example.com\r\nBcc: all@example.com", "a b@example.com", "", "@"])
def test_an_address_cannot_add_headers(recipient: str) -> None:
    with pytest.raises(MailRefused):
        message_of(Letter(recipient, "s", "t", "h"), SENDER)


async def test_the_folder_keeps_letters_for_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    sender = FolderSender(folder, sender=SENDER)
    await sender.send(LETTER)
    (path,) = folder.iterdir()
    assert path.suffix == ".eml"
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert message["Subject"] == LETTER.subject


def test_a_host_in_the_settings_means_smtp(settings: Settings) -> None:
    assert isinstance(sender_of(settings), FolderSender)
    assert isinstance(sender_of(settings.model_copy(update={"smtp_host": "mail.example"})), SmtpSender)


def test_a_name_cannot_write_html() -> None:
    letter = write(
        Kind.VERIFY_EMAIL, "k@example.com", "<b>Kim</b>", public_url=PUBLIC_URL, token="t", lasts="a day"
    )
    assert "<b>" not in letter.html
    assert "&lt;b&gt;Kim&lt;/b&gt;" in letter.html
    assert f"{PUBLIC_URL}/verify#t" in letter.text


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_says_the_same_in_both_bodies(kind: Kind) -> None:
    letter = write(kind, "k@example.com", "Kim", public_url=PUBLIC_URL, token=None, lasts="")
    for sentence in letter.text.split("\n\n"):
        if PUBLIC_URL not in sentence and sentence.strip() != "Headrace":
            assert sentence.strip() in letter.html


class Unreliable(Mailbox):
    """Takes a letter when it has failed as often as it was told to."""

    def __init__(self, failures: int, error: type[Exception] = MailDelayed) -> None:
        super().__init__()
        self.failures, self.error, self.tried = failures, error, 0

    async def send(self, letter: Letter) -> None:
        self.tried += 1
        if self.failures:
            self.failures -= 1
            raise self.error("not now")
        await super().send(letter)


@pytest.fixture
async def kim(postgres: Postgres) -> UserRow:
    await postgres.execute("DELETE FROM mail_orders")
    address = f"{secrets.token_hex(6)}@example.com"
    user = await AccountRepository(postgres).add(
        email=address, lookup=address, name="Kim", password_hash=None, role=Role.USER, verified_at=None
    )
    assert user is not None
    return user


def postman(postgres: Postgres, sender: MailSender, clock: MovableClock) -> Postman:
    return Postman(
        MailOrders(postgres),
        AccountRepository(postgres),
        OneTimeLinks(postgres),
        sender,
        clock,
        public_url=PUBLIC_URL,
    )


async def left(postgres: Postgres) -> int:
    return int(await postgres.fetchval("SELECT count(*) FROM mail_orders"))


async def test_a_delayed_mail_is_sent_later_with_a_link_that_works(
    postgres: Postgres, kim: UserRow, clock: MovableClock
) -> None:
    box = Unreliable(2)
    carrier = postman(postgres, box, clock)
    await MailOrders(postgres).add(Kind.VERIFY_EMAIL, kim.email, clock.now())
    for expected in (1, 1, 0):
        await carrier.round()
        assert await left(postgres) == expected
        await carrier.round()
        clock.move(minutes=2)
    assert box.tried == 3
    assert len(box.letters) == 1


async def test_a_mail_is_given_up_after_a_day_and_a_refused_one_at_once(
    postgres: Postgres, kim: UserRow, clock: MovableClock
) -> None:
    orders = MailOrders(postgres)
    await orders.add(Kind.VERIFY_EMAIL, kim.email, clock.now())
    carrier = postman(postgres, Unreliable(1000), clock)
    await carrier.round()
    assert await left(postgres) == 1
    clock.move(seconds=GIVE_UP_AFTER.total_seconds())
    await carrier.round()
    assert await left(postgres) == 0
    await orders.add(Kind.VERIFY_EMAIL, kim.email, clock.now())
    await postman(postgres, Unreliable(1000, MailRefused), clock).round()
    assert await left(postgres) == 0


async def test_two_processes_send_each_mail_once_and_one_that_died_loses_none(
    postgres: Postgres, kim: UserRow, clock: MovableClock
) -> None:
    orders = MailOrders(postgres)
    box = Mailbox()
    for _ in range(20):
        await orders.add(Kind.PASSWORD_CHANGED, kim.email, clock.now(), user_id=kim.id)
    # Taken by a process that then died.
    assert len(await orders.take(clock.now(), 3)) == 3
    carriers = [postman(postgres, box, clock) for _ in range(2)]

    async def carry(carrier: Postman) -> None:
        while await carrier.round():
            pass

    await asyncio.gather(*map(carry, carriers))
    assert len(box.letters) == 17
    clock.move(seconds=LEASE.total_seconds())
    await carry(carriers[0])
    assert len(box.letters) == 20
