"""An excerpt of a text around what was searched for, in pieces of plain text."""

import re
from collections.abc import Sequence
from typing import Final

from gateway.conversations.search.schemas import Fragment

EXCERPT_CHARACTERS: Final = 240
# So much of the excerpt comes before its first match.
LEAD_CHARACTERS: Final = 60
# The best place for an excerpt is looked for among so many matches.
MOST_MATCHES: Final = 200
ELLIPSIS: Final = "\u2026"

_SPACES: Final = re.compile(r"\s+")
# Written without spaces: each character is a word, as in the schema's search_text().
_ALONE: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")


def excerpt(text: str, words: Sequence[str]) -> list[Fragment]:
    """The part of `text` where most of `words` are close to each other; its beginning when none is found.

    Args:
        words: as the index knows them, in lower case; a longer word matches the last one too.
    """
    pattern = _pattern(words)
    start = _best_start(text, pattern) if pattern else 0
    start = _begin(text, start)
    end = _end(text, start)
    fragments = _pieces(text[start:end], pattern)
    if start > 0:
        fragments.insert(0, Fragment(text=ELLIPSIS, match=False))
    if end < len(text):
        fragments.append(Fragment(text=ELLIPSIS, match=False))
    return fragments


def _pattern(words: Sequence[str]) -> re.Pattern[str] | None:
    # Letters and digits make a word; the underscore separates words for the index.
    alone = [re.escape(word) for word in words if _ALONE.fullmatch(word)]
    spaced = [
        re.escape(word) + (r"[^\W_]*" if place == len(words) - 1 else "")
        for place, word in enumerate(words)
        if not _ALONE.fullmatch(word)
    ]
    parts = [*alone, rf"(?<![^\W_])(?:{'|'.join(spaced)})(?![^\W_])"] if spaced else alone
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _best_start(text: str, pattern: re.Pattern[str]) -> int:
    """Where the first match of the excerpt with the most different words begins."""
    found: list[tuple[int, str]] = []
    for match in pattern.finditer(text):
        found.append((match.start(), match.group().casefold()))
        if len(found) == MOST_MATCHES:
            break
    best, most = 0, 0
    for index, (start, _) in enumerate(found):
        reach = start + EXCERPT_CHARACTERS - LEAD_CHARACTERS
        different = len({word for place, word in found[index:] if place < reach})
        if different > most:
            best, most = start, different
    return best


def _begin(text: str, match: int) -> int:
    """A word's beginning, a little before the match."""
    wanted = max(0, match - LEAD_CHARACTERS)
    if wanted == 0:
        return 0
    space = _SPACES.search(text, wanted, match)
    return space.end() if space else wanted


def _end(text: str, start: int) -> int:
    """A word's end, within the length of an excerpt."""
    wanted = start + EXCERPT_CHARACTERS
    if wanted >= len(text):
        return len(text)
    space = text.rfind(" ", start + EXCERPT_CHARACTERS // 2, wanted)
    return space if space > 0 else wanted


def _pieces(text: str, pattern: re.Pattern[str] | None) -> list[Fragment]:
    """The text in turns of what matches and what does not; line breaks and the like become one space."""
    fragments: list[Fragment] = []
    done = 0
    for match in pattern.finditer(text) if pattern else ():
        fragments += _piece(text[done : match.start()], match=False)
        fragments += _piece(match.group(), match=True)
        done = match.end()
    return fragments + _piece(text[done:], match=False)


def _piece(text: str, *, match: bool) -> list[Fragment]:
    return [Fragment(text=_SPACES.sub(" ", text), match=match)] if text else []
