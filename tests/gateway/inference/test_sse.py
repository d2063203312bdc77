"""Frames out of bytes that come in any pieces."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import EngineFailed
from gateway.inference.sse import MAX_FRAME_BYTES, FrameBuffer, data_of

lines = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), min_size=1, max_size=30)


@given(
    payloads=st.lists(lines, min_size=1, max_size=10),
    places=st.lists(st.integers(0, 100_000), max_size=20),
    end=st.sampled_from([b"\n", b"\r\n"]),
)
def test_every_frame_comes_out_once_and_in_order(payloads: list[str], places: list[int], end: bytes) -> None:
    whole = b"".join(b"data: " + payload.encode() + end + end for payload in payloads)
    ends = [0, *sorted({place % len(whole) for place in places}), len(whole)]
    buffer = FrameBuffer()
    out = b"".join(buffer.feed(whole[a:b]) for a, b in itertools.pairwise(ends))
    assert [data_of(frame).decode() for frame in out.split(b"\n\n")[:-1]] == payloads
    assert buffer.rest == b""


def test_what_is_no_whole_frame_is_held_back() -> None:
    buffer = FrameBuffer()
    assert buffer.feed(b"data: a\n\ndata: b") == b"data: a\n\n"
    assert buffer.rest == b"data: b"
    assert buffer.feed(b"\n\n") == b"data: b\n\n"


def test_a_frame_without_end_is_given_up() -> None:
    buffer = FrameBuffer()
    piece = b"x" * (1024 * 1024)
    with pytest.raises(EngineFailed):
        for _ in range(MAX_FRAME_BYTES // len(piece) + 2):
            buffer.feed(piece)


@pytest.mark.parametrize(
    ("frame", "data"),
    [
        (b"data: x", b"x"),
        (b"data:x", b"x"),
        (b"data:  x", b" x"),
        (b"event: e\ndata: x\nid: 1", b"x"),
        (b"data: a\ndata: b", b"a\nb"),
        (b": comment", b""),
        (b"", b""),
    ],
)
def test_the_payload_of_a_frame_is_what_the_standard_says(frame: bytes, data: bytes) -> None:
    assert data_of(frame) == data
