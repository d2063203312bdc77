"""Answers that somebody only looks at."""

import orjson
import pytest

from core.errors import EngineFailed
from gateway.inference.fake import chat_stream
from gateway.shadows.copies import likeness
from gateway.shadows.reading import Reading


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_in_any_pieces_is_the_same_answer(size: int) -> None:
    whole = b"".join(chat_stream(["One", " two", " three"], prompt_tokens=7, finish="length"))
    reading = Reading()
    for begin in range(0, len(whole), size):
        reading.feed(whole[begin : begin + size])
    assert (reading.text, reading.usage, reading.finish_reason) == ("One two three", (7, 3), "length")
    assert reading.done
    assert reading.first_at is not None


def test_an_answer_in_one_piece_is_read_too() -> None:
    reading = Reading()
    reading.whole(
        orjson.dumps(
            {
                "choices": [
                    {"index": 1, "message": {"content": "other"}, "finish_reason": "length"},
                    {"index": 0, "message": {"content": "Yes\x00"}, "finish_reason": "stop"},
                ],
                "usage": {"prompt_tokens": 3, "completion_tokens": 1},
            }
        )
    )
    assert (reading.text, reading.usage, reading.finish_reason) == ("Yes\ufffd", (3, 1), "stop")


@pytest.mark.parametrize(
    "frame",
    [
        b'data: {"error":{"message":"out of memory"}}\n\n',
        b"data: {not json}\n\n",
        b"data: [1]\n\n",
        b'data: {"choices":[1]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":"many"}}\n\n',
        b'data: {"choices":[],"usage":7}\n\n',
    ],
)
def test_what_is_no_answer_is_a_failure(frame: bytes) -> None:
    with pytest.raises(EngineFailed):
        Reading().feed(frame)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("the same", "the same", 1.0),
        ("", "", 1.0),
        ("same words here", "here same words", 0.999),
        ("a b c d", "a b x y", 0.5),
        ("a b", "c d", 0.0),
        ("a", "", 0.0),
    ],
)
def test_likeness_is_the_share_of_words_in_common(one: str, other: str, expected: float) -> None:
    assert likeness(one, other) == likeness(other, one) == pytest.approx(expected)
