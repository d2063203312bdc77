"""Identifiers sort by time, say what they name, and cannot be guessed."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from core.ids import is_id, new_id, new_secret, request_id, uuid7


def test_a_uuid7_has_its_version_its_variant_and_the_time() -> None:
    made = uuid7()
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert abs((made.int >> 80) - time.time_ns() // 1_000_000) < 60_000


def test_ids_of_later_milliseconds_sort_later_and_none_comes_twice() -> None:
    early = new_id("cnv")
    while uuid7().int >> 80 == int(early[4:16], 16):
        pass
    many = [new_id("cnv") for _ in range(2_000)]
    assert all(later > early for later in many)
    assert len(set(many)) == 2_000


def test_an_id_is_known_by_its_prefix() -> None:
    made = new_id("msg")
    assert re.fullmatch(r"msg_[0-9a-f]{32}", made)
    assert is_id("msg", made)
    assert not is_id("cnv", made)


@given(st.text())
def test_arbitrary_text_is_no_id(text: str) -> None:
    assert not is_id("msg", text)
    for near in (f"msg_{text}", new_id("msg") + text[:1] + "\n"):
        assert is_id("msg", near) is bool(re.fullmatch(r"msg_[0-9a-f]{32}", near))


@given(st.text())
def test_a_request_id_is_always_harmless(offered: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._:-]{1,128}", request_id(offered))


def test_a_harmless_request_id_is_kept_and_without_one_a_new_one_is_made() -> None:
    assert request_id("abc-1.2:3_X") == "abc-1.2:3_X"
    assert request_id() != request_id()
    assert "\n" not in request_id("abc\n")


def test_a_secret_has_its_prefix_and_enough_chance() -> None:
    made = new_secret("hr-", 32)
    assert made.startswith("hr-")
    assert len(made) >= 3 + 43
    assert made != new_secret("hr-", 32)
