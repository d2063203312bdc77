"""Stop sequences, found in the text itself.

An engine that looks for them holds text back that it has made already, and whoever takes the answer over does
not know it. Here what is held back is known, and travels with the log.
"""

from collections.abc import Sequence


class StopWords:
    """Lets text pass until one of `words` begins in it.

    Attributes:
        held: text that is not shown yet, because it may be the beginning of one.
        found: whether one was found; nothing passes after it.
    """

    def __init__(self, words: Sequence[str], held: str = "") -> None:
        self._words = tuple(words)
        self._longest = max((len(word) for word in words), default=0)
        self.held = held
        self.found = False

    def feed(self, text: str) -> str:
        """What may be shown now."""
        if self.found:
            return ""
        if not self._words:
            return text
        whole = self.held + text
        places = [at for word in self._words if (at := whole.find(word)) >= 0]
        if places:
            self.found = True
            self.held = ""
            return whole[: min(places)]
        keep = self._may_begin(whole)
        self.held = whole[len(whole) - keep :]
        return whole[: len(whole) - keep]

    def rest(self) -> str:
        """What was held back, when the answer is over."""
        held, self.held = self.held, ""
        return held

    def _may_begin(self, text: str) -> int:
        """How many of the last characters are the beginning of a stop sequence."""
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            ending = text[-length:]
            if any(word.startswith(ending) for word in self._words):
                return length
        return 0
