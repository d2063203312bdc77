"""Frames of a server-sent event stream, cut out of bytes that come in any pieces."""

from core.errors import EngineFailed

MAX_FRAME_BYTES = 4 * 1024 * 1024
END = b"\n\n"
DONE = b"[DONE]"


class FrameBuffer:
    """Holds back what is not a whole frame yet."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> bytes:
        """All whole frames that are there now, as one piece ending in a blank line; may be empty.

        Raises core.errors.EngineFailed when a frame grows without end.
        """
        if self._rest:
            chunk = self._rest + chunk
            self._rest = b""
        if b"\r" in chunk:
            # Allowed by the standard, and some upstreams do it.
            keep = b"\r" if chunk.endswith(b"\r") else b""
            chunk = chunk.removesuffix(b"\r").replace(b"\r\n", b"\n") + keep
        end = chunk.rfind(END)
        if end < 0:
            if len(chunk) > MAX_FRAME_BYTES:
                raise EngineFailed("The model sent something that is not an event stream.")
            self._rest = chunk
            return b""
        self._rest = chunk[end + 2 :]
        return chunk[: end + 2]

    @property
    def rest(self) -> bytes:
        """What never became a frame."""
        return self._rest


def data_of(frame: bytes) -> bytes:
    """The payload of one frame: its `data:` lines, joined by a line break; empty for comments."""
    if frame.startswith(b"data: ") and b"\n" not in frame:
        return frame[6:]
    lines = []
    for line in frame.split(b"\n"):
        if line.startswith(b"data:"):
            lines.append(line[5:].removeprefix(b" "))
    return b"\n".join(lines)
