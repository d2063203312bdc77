"""How a letter leaves the house: by SMTP, or into a folder where it can be read."""

import asyncio
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid, parseaddr
from pathlib import Path
from typing import Final, Protocol

import aiosmtplib

from auth.mail.letters import Letter
from core.ids import new_id
from core.settings import Settings, SmtpSecurity

SMTP_SECONDS: Final = 30.0
MOST_KEPT: Final = 500


class MailRefused(Exception):
    """The letter will never be taken as it is: a further try is of no use."""


class MailDelayed(Exception):
    """The letter was not taken now."""


class MailSender(Protocol):
    """What the postman needs."""

    async def send(self, letter: Letter) -> None:
        """Hand one letter over. Raises MailRefused, MailDelayed."""
        ...


class SmtpSender:
    """Sends by SMTP, one connection a letter: there are few, and none may wait for a dead connection."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        sender: str,
        security: SmtpSecurity,
        username: str | None,
        password: str | None,
    ) -> None:
        self._host, self._port, self._sender = host, port, sender
        self._security = security
        self._username, self._password = username, password

    async def send(self, letter: Letter) -> None:
        message = message_of(letter, self._sender)
        try:
            await aiosmtplib.send(
                message,
                hostname=self._host,
                port=self._port,
                username=self._username,
                password=self._password,
                use_tls=self._security is SmtpSecurity.TLS,
                # None would try it and go on without: a password must never go over an open line.
                start_tls=self._security is SmtpSecurity.STARTTLS,
                timeout=SMTP_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            if all(500 <= one.code < 600 for one in error.recipients):
                raise MailRefused(str(error.recipients[0].message)) from error
            raise MailDelayed("the recipient was refused for now") from error
        except aiosmtplib.SMTPResponseException as error:
            raise MailDelayed(f"{error.code} {error.message}") from error
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise MailDelayed(str(error) or type(error).__name__) from error


class FolderSender:
    """Writes each letter as an .eml file; `headrace mail` shows them. The newest MOST_KEPT are kept."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder, self._sender = folder, sender

    async def send(self, letter: Letter) -> None:
        try:
            await asyncio.to_thread(self._write, bytes(message_of(letter, self._sender)))
        except OSError as error:
            raise MailDelayed(str(error)) from error

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = new_id("eml")
        fresh = self._folder / f".{name}"
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.rename(self._folder / f"{name}.eml")
        for old in sorted(self._folder.glob("eml_*.eml"))[:-MOST_KEPT]:
            old.unlink(missing_ok=True)


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """The letter as a MIME message with both bodies. Raises MailRefused for an address mail cannot have."""
    name, address = parseaddr(sender)
    message = EmailMessage()
    try:
        message["From"] = Address(name, addr_spec=address)
        message["To"] = Address(addr_spec=letter.recipient)
    except (ValueError, IndexError, MessageError) as error:
        raise MailRefused(str(error)) from error
    message["Subject"] = letter.subject
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=address.rpartition("@")[2])
    # No automatic answers to an automatic mail (RFC 3834).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def sender_of(settings: Settings) -> MailSender:
    """SMTP where a host is named, else the folder `mail` among our own data."""
    if settings.smtp_host is None:
        return FolderSender(settings.var_dir / "mail", sender=settings.mail_from)
    password = settings.smtp_password.get_secret_value() if settings.smtp_password else None
    return SmtpSender(
        settings.smtp_host,
        settings.smtp_port,
        sender=settings.mail_from,
        security=settings.smtp_security,
        username=settings.smtp_username,
        password=password,
    )
