"""What our mails say: each as plain text and as HTML, with the same words."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import escape
from typing import Final


class Kind(StrEnum):
    """Which mail it is."""

    VERIFY_EMAIL = "verify_email"
    ALREADY_REGISTERED = "already_registered"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the name of a mail
    CHANGE_EMAIL = "change_email"
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - the name of a mail
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    DELETION_ASKED = "deletion_asked"
    DELETION_ORDERED = "deletion_ordered"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready to be sent."""

    recipient: str
    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class _Wording:
    """Subject, sentences, and the words on the link. Without a `page` there is no link. `{date}` in a
    sentence: when the account is erased."""

    subject: str
    sentences: tuple[str, ...]
    page: str | None = None
    action: str = ""


_IF_NOT_YOU: Final = "If this was not you, set a new password now and end your other sessions."
_IGNORE: Final = "If you did not ask for this, you can ignore this mail: nothing changes."

_WORDINGS: Final = {
    Kind.VERIFY_EMAIL: _Wording(
        "Confirm your email address",
        ("Somebody, hopefully you, opened an account with this address.", _IGNORE),
        "/verify",
        "Confirm this address",
    ),
    Kind.ALREADY_REGISTERED: _Wording(
        "You have an account already",
        (
            "Somebody, perhaps you, tried to open an account with this address, which has one already.",
            "Sign in with it. If you forgot the password, you can set a new one from the sign-in page.",
        ),
        "/sign-in",
        "Sign in",
    ),
    Kind.RESET_PASSWORD: _Wording(
        "Set a new password",
        ("Somebody, hopefully you, asked to set a new password for this address.", _IGNORE),
        "/reset-password",
        "Set a new password",
    ),
    Kind.CHANGE_EMAIL: _Wording(
        "Confirm your new email address",
        ("You asked to use this address for your account from now on.", _IGNORE),
        "/verify",
        "Confirm this address",
    ),
    Kind.EMAIL_CHANGED: _Wording(
        "Your email address was changed",
        ("Your account has another email address now; this one no longer opens it.", _IF_NOT_YOU),
    ),
    Kind.PASSWORD_CHANGED: _Wording(
        "Your password was changed",
        ("The password of your account was changed a moment ago.", _IF_NOT_YOU),
        "/forgotten-password",
        "Set a new password",
    ),
    Kind.SECOND_FACTOR_ADDED: _Wording(
        "A second factor was added",
        ("Signing in to your account now asks for a code as well.", _IF_NOT_YOU),
        "/forgotten-password",
        "Set a new password",
    ),
    Kind.SECOND_FACTOR_REMOVED: _Wording(
        "Your second factor was removed",
        ("Your password alone opens your account now.", _IF_NOT_YOU),
        "/forgotten-password",
        "Set a new password",
    ),
    Kind.PASSKEY_ADDED: _Wording(
        "A passkey was added",
        ("A passkey can open your account from now on.", _IF_NOT_YOU),
        "/forgotten-password",
        "Set a new password",
    ),
    Kind.PASSKEY_REMOVED: _Wording(
        "A passkey was removed",
        ("A passkey no longer opens your account.", _IF_NOT_YOU),
        "/forgotten-password",
        "Set a new password",
    ),
    Kind.DELETION_ASKED: _Wording(
        "Your account will be deleted",
        (
            "Your account and everything in it will be deleted for good on {date}.",
            "Until then you can sign in and keep it.",
            _IF_NOT_YOU,
        ),
        "/sign-in",
        "Sign in",
    ),
    Kind.DELETION_ORDERED: _Wording(
        "Your account will be deleted",
        (
            "An administrator has closed your account. It and everything in it will be deleted for good on "
            "{date}.",
            "If this is a mistake, tell your administrator before then.",
        ),
    ),
    Kind.RECOVERY_CODE_USED: _Wording(
        "A recovery code was used",
        ("Somebody signed in to your account with one of your recovery codes.", _IF_NOT_YOU),
        "/forgotten-password",
        "Set a new password",
    ),
}


def write(
    kind: Kind,
    recipient: str,
    name: str,
    *,
    public_url: str,
    token: str | None,
    lasts: str,
    delete_at: datetime | None = None,
) -> Letter:
    """A letter of this kind.

    Args:
        public_url: our own address, from the settings and never from a request.
        token: of a one-time link. It stands behind `#`, which browsers send to nobody.
        lasts: how long the link can be used, such as `30 minutes`.
        delete_at: when the account is erased.
    """
    wording = _WORDINGS[kind]
    link = f"{public_url}{wording.page}" + (f"#{token}" if token else "") if wording.page else None
    date = delete_at.strftime("%d %B %Y, %H:%M UTC") if delete_at else ""
    said = (sentence.replace("{date}", date) for sentence in wording.sentences)
    sentences = [*said, *([f"The link works once, for {lasts}."] if token else ())]
    greeting = f"Hello {name},"
    text = "\n\n".join([greeting, *sentences, *([f"{wording.action}:\n{link}"] if link else ()), "Headrace"])
    paragraphs = "".join(f"<p>{escape(sentence)}</p>" for sentence in (greeting, *sentences))
    button = f'<p><a href="{escape(link)}">{escape(wording.action)}</a></p>' if link else ""
    html = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(wording.subject)}</title></head>"
        f'<body style="font-family:sans-serif;line-height:1.5">{paragraphs}{button}'
        "<p>Headrace</p></body></html>"
    )
    return Letter(recipient, wording.subject, text + "\n", html)
