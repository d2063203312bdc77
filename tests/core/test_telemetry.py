"""Traces: the caller's goes on, anything else begins a new one."""

import re

import pytest
from opentelemetry import trace

from core.telemetry import configure_tracing, context_from, new_traceparent, trace_id_of

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_the_callers_trace_goes_on_under_a_new_span() -> None:
    made = new_traceparent(f"00-{TRACE}-b7ad6b7169203331-00")
    assert trace_id_of(made) == TRACE
    assert made.endswith("-00")
    assert "b7ad6b7169203331" not in made


@pytest.mark.parametrize(
    "offered",
    [
        None,
        "",
        "x",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01\n",
    ],
)
def test_what_is_no_trace_begins_a_new_one(offered: str | None) -> None:
    made = new_traceparent(offered)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
    assert trace_id_of(made) not in (TRACE, "0" * 32)


def test_a_span_begins_in_the_given_trace() -> None:
    context = trace.get_current_span(context_from(f"00-{TRACE}-b7ad6b7169203331-01")).get_span_context()
    assert f"{context.trace_id:032x}" == TRACE
    assert not trace.get_current_span(context_from(None)).get_span_context().is_valid


def test_without_a_collector_nothing_is_exported() -> None:
    assert configure_tracing("tests", None) is None
