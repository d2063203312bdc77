"""Which passwords are refused, without asking anybody outside.

Length is what counts (NIST SP 800-63B-4), so there are no rules about kinds of characters. Besides the
length, a password is refused when it is on the list of common ones or consists of little else than common
passwords, the person's or the product's name, runs and repetitions.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from typing import Final

from core.errors import WeakPassword

# Where it is all there is, and where a second factor is asked for too.
MINIMUM_LENGTH: Final = 15
MINIMUM_LENGTH_WITH_FACTOR: Final = 8
MAXIMUM_LENGTH: Final = 128
PRODUCT: Final = "headrace"

# Rough bits of guessing for each kind of piece, and how many a password must come to.
_NAME, _COMMON, _RUN, _REPEATED, _DIGIT, _LETTER, _OTHER = 4.0, 12.0, 6.0, 2.0, 3.3, 4.7, 2.0
_NEEDED: Final = 40.0
# Short ones are allowed only beside a second factor; they still must not be on anybody's list of guesses.
_NEEDED_WITH_FACTOR: Final = 26.0

_SHORTEST_PIECE: Final = 4
_LONGEST_PIECE: Final = 20
_KEYBOARDS: Final = (
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "qwertzuiop",
    "azertyuiop",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "q1w2e3r4t5y6u7i8o9p0",
)
_LEET: Final[tuple[dict[int, int], ...]] = (
    {},
    str.maketrans("0134578@$!", "oleastbasi"),
    str.maketrans("0134578@$!", "oieastbasi"),
)


def check_password(password: str, *, email: str, name: str, least: int = MINIMUM_LENGTH) -> str:
    """The password as it is to be hashed. Raises WeakPassword with the reason.

    Equal characters can be put together in different ways by different keyboards, so the text is brought to
    Unicode's NFC form first; nothing is cut off. `least` is the shortest length that is allowed.
    """
    password = canonical(password)
    if len(password) < least:
        raise _weak(f"Use at least {least} characters. A sentence works well.")
    if len(password) > MAXIMUM_LENGTH:
        raise _weak(f"Use at most {MAXIMUM_LENGTH} characters.")
    if password.casefold() in common_passwords():
        raise _weak("This is one of the most common passwords.")
    needed = _NEEDED if least >= MINIMUM_LENGTH else _NEEDED_WITH_FACTOR
    if _bits(password.casefold(), frozenset(_names(email, name))) < needed:
        raise _weak("This is made of common passwords, names, repetitions or rows of keys. Use other words.")
    return password


def canonical(password: str) -> str:
    """The form in which passwords are hashed and compared."""
    return unicodedata.normalize("NFC", password)


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """The list of common passwords, in lower case."""
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


def _weak(reason: str) -> WeakPassword:
    return WeakPassword(reason, fields=[("password", reason)])


def _names(email: str, name: str) -> Iterable[str]:
    yield PRODUCT
    for part in re.split(r"[\W_\d]+", f"{email} {name}".casefold()):
        if len(part) >= 3:
            yield part


def _bits(password: str, names: frozenset[str]) -> float:
    """Least bits over the ways to read it: as it is, with digits for letters, as one part repeated."""
    best = float("inf")
    for table in _LEET:
        text = password.translate(table)
        period = _period(text)
        extra = _REPEATED if len(period) < len(text) else 0.0
        best = min(best, extra + _cover(period, names))
    return best


def _period(text: str) -> str:
    """The shortest beginning whose repetition gives the text (the last time may be cut short)."""
    for length in range(1, len(text) // 2 + 1):
        if (text[:length] * (len(text) // length + 1))[: len(text)] == text:
            return text[:length]
    return text


def _cover(text: str, names: frozenset[str]) -> float:
    """The cheapest way to put the text together from pieces, from left to right."""
    cost = [0.0] + [float("inf")] * len(text)
    for start in range(len(text)):
        here = cost[start]
        for name in names:
            if text.startswith(name, start):
                end = start + len(name)
                cost[end] = min(cost[end], here + _NAME)
        for length in range(_SHORTEST_PIECE, min(_LONGEST_PIECE, len(text) - start) + 1):
            if text[start : start + length] in common_passwords():
                cost[start + length] = min(cost[start + length], here + _COMMON)
        for end in range(start + 3, start + _run(text, start) + 1):
            cost[end] = min(cost[end], here + _RUN)
        cost[start + 1] = min(cost[start + 1], here + _single(text[start]))
    return cost[-1]


def _single(character: str) -> float:
    if character.isdigit():
        return _DIGIT
    return _LETTER if character.isalpha() else _OTHER


def _run(text: str, start: int) -> int:
    """How many characters from `start` on are the same, or follow each other in a row of keys."""
    end = start + 1
    while end < len(text) and text[end] == text[start]:
        end += 1
    longest = end - start
    for row, position in _ROWS_BY_PAIR.get(text[start : start + 2], ()):
        length = 2
        while (
            row[position + length : position + length + 1] == text[start + length : start + length + 1] != ""
        ):
            length += 1
        longest = max(longest, length)
    return longest


def _rows_by_pair() -> dict[str, list[tuple[str, int]]]:
    """Where in which row of keys, read either way, two neighbours are."""
    found: dict[str, list[tuple[str, int]]] = {}
    for keys in _KEYBOARDS:
        for row in (keys, keys[::-1]):
            for position in range(len(row) - 1):
                found.setdefault(row[position : position + 2], []).append((row, position))
    return found


_ROWS_BY_PAIR: Final = _rows_by_pair()
