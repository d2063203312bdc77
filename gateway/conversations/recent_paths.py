"""Paths of conversations that were read a moment ago, so that the next turn reads only what is new.

A message that is whole never changes, and neither does what it goes on from: so the path that led to one
still leads to it, whichever process wrote what came behind.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from gateway.conversations.tables import SaidRow

MOST_CHARACTERS: Final = 16 * 1024 * 1024
# What a row costs beside its text.
_ROW: Final = 500


class RecentPaths:
    """The newest paths, by conversation; those that were used longest ago are forgotten first.

    Args:
        most: characters of all of them together; a path of more than a sixteenth of that is not kept.
    """

    def __init__(self, most: int = MOST_CHARACTERS) -> None:
        self._most = most
        self._paths: OrderedDict[str, tuple[Sequence[SaidRow], int]] = OrderedDict()
        self._size = 0

    def get(self, conversation_id: str) -> Sequence[SaidRow]:
        """Newest message first; empty where none is known."""
        found = self._paths.get(conversation_id)
        if found is None:
            return ()
        self._paths.move_to_end(conversation_id)
        return found[0]

    def keep(self, conversation_id: str, path: Sequence[SaidRow]) -> None:
        """A path whose messages are whole."""
        size = sum(len(row.content) for row in path) + _ROW * len(path)
        self.forget(conversation_id)
        if size > self._most // 16:
            return
        self._paths[conversation_id] = path, size
        self._size += size
        while self._size > self._most:
            _, (_, oldest) = self._paths.popitem(last=False)
            self._size -= oldest

    def forget(self, conversation_id: str) -> None:
        """It is gone, or is read anew."""
        known = self._paths.pop(conversation_id, None)
        if known is not None:
            self._size -= known[1]
