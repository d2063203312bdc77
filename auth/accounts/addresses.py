"""Email addresses: as written, and as compared."""

import unicodedata

from email_validator import EmailNotValidError, validate_email

from core.errors import Invalid

LONGEST = 254


def check_address(text: str, *, public: bool) -> str:
    """The address, tidied up. Raises core.errors.Invalid that names the field `email`.

    Args:
        public: whether it has to be one that the Internet can reach; `me@localhost` is not.
    """
    try:
        checked = validate_email(text.strip(), check_deliverability=False, globally_deliverable=public)
    except EmailNotValidError as error:
        raise Invalid(str(error), fields=[("email", str(error))]) from error
    address: str = checked.normalized
    if len(address) > LONGEST:
        message = f"Use an address of at most {LONGEST} characters."
        raise Invalid(message, fields=[("email", message)])
    return address


def lookup_form(text: str) -> str:
    """What addresses are compared by: two that look alike to a person are the same.

    What can be no address (control characters, which the database would refuse) becomes the empty text,
    which no account has.
    """
    folded = unicodedata.normalize("NFKC", text.strip()).casefold()
    if len(folded) > LONGEST or any(unicodedata.category(character)[0] == "C" for character in folded):
        return ""
    return folded
