"""Whatever pieces the network makes of a stream, what passes is the same."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gateway.inference.fake import chat_stream
from gateway.inference.sse import FrameBuffer
from gateway.openai_api.usage_tail import UsageTail, tokens_of

FRAMES = chat_stream(["Hé", "llo", '"usage" [DONE] "choices":[]', "\n\n", "🦦"], prompt_tokens=7)
WHOLE = b"".join(FRAMES)


def relayed(pieces: list[bytes], *, hide: bool) -> tuple[bytes, UsageTail]:
    frames, tail, seen = FrameBuffer(), UsageTail(hide=hide), b""
    for piece in pieces:
        whole = frames.feed(piece)
        if whole:
            seen += tail.passes(whole)
    assert frames.rest == b""
    return seen, tail


def cut(whole: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted({place % len(whole) for place in places}), len(whole)]
    return [whole[begin:end] for begin, end in itertools.pairwise(ends)]


def test_a_cut_at_every_single_place_changes_nothing() -> None:
    shown = WHOLE.replace(FRAMES[-2], b"")
    for place in range(1, len(WHOLE)):
        pieces = [WHOLE[:place], WHOLE[place:]]
        assert relayed(pieces, hide=False)[0] == WHOLE
        assert relayed(pieces, hide=True)[0] == shown


@given(places=st.lists(st.integers(0, 10_000), max_size=40), hide=st.booleans())
def test_any_cuts_change_neither_the_bytes_nor_the_figures(places: list[int], hide: bool) -> None:
    seen, tail = relayed(cut(WHOLE, places), hide=hide)
    assert seen == (WHOLE.replace(FRAMES[-2], b"") if hide else WHOLE)
    tokens = tail.tokens()
    assert tokens is not None
    assert (tokens.prompt, tokens.completion, tokens.exact) == (7, 5, True)
    assert tail.ended
    assert tail.frames == len(FRAMES)


@given(places=st.lists(st.integers(0, 10_000), max_size=40))
def test_other_line_ends_give_the_same_frames(places: list[int]) -> None:
    seen, tail = relayed(cut(WHOLE.replace(b"\n", b"\r\n"), places), hide=False)
    assert seen == WHOLE
    assert tail.ended


def test_comments_and_unknown_events_pass() -> None:
    odd = b": keep-alive\n\nevent: ping\ndata: {}\n\n"
    assert relayed([odd], hide=True)[0] == odd


def test_a_body_that_is_no_json_has_no_figures() -> None:
    for body in (
        b"",
        b"<html>",
        b"[]",
        b'{"usage":null}',
        b'{"usage":{}}',
        b'{"usage":{"prompt_tokens":-1}}',
    ):
        assert tokens_of(body) is None


def test_a_stream_that_was_cut_has_not_ended_because_its_text_says_so() -> None:
    cut_off = b"".join(FRAMES[:-1])
    assert b"[DONE]" in cut_off
    assert not relayed([cut_off], hide=False)[1].ended


def test_figures_are_found_before_an_end_in_pieces_and_a_comment() -> None:
    _, tail = relayed([*FRAMES, b": bye\n\n"], hide=True)
    tokens = tail.tokens()
    assert tokens is not None
    assert tokens.completion == 5
    assert tail.ended
