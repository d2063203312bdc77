"""Logs: one line each, and no credentials in them."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from core.log import configure_logging


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logging("tests", "INFO", "json")
    yield stream
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object_with_its_service_its_level_and_its_time(written: io.StringIO) -> None:
    structlog.get_logger("a").info("turn.begun", turn_id="trn_1", text="two\nlines")
    (line,) = lines(written)
    assert (line["service"], line["level"], line["event"], line["turn_id"]) == (
        "tests",
        "info",
        "turn.begun",
        "trn_1",
    )
    assert str(line["timestamp"]).endswith("Z")


@pytest.mark.parametrize(
    "name", ["password", "refresh_token", "Authorization", "client_secret", "cookie", "openai_api_key"]
)
def test_credentials_do_not_get_into_the_log(written: io.StringIO, name: str) -> None:
    structlog.get_logger("a").warning("x", **{name: "hunter2"})
    assert "hunter2" not in written.getvalue()
    assert lines(written)[0][name] == "[redacted]"


def test_credentials_inside_of_something_do_not_get_into_the_log_either(written: io.StringIO) -> None:
    structlog.get_logger("a").warning(
        "x", request={"headers": {"authorization": "Bearer hunter2"}, "items": [{"password": "hunter2"}]}
    )
    assert "hunter2" not in written.getvalue()


def test_numbers_of_tokens_are_no_credentials(written: io.StringIO) -> None:
    structlog.get_logger("a").info("x", prompt_tokens=17)
    assert lines(written)[0]["prompt_tokens"] == 17


def test_lines_of_libraries_go_the_same_way(written: io.StringIO) -> None:
    logging.getLogger("some.library").warning("odd %s", "thing")
    (line,) = lines(written)
    assert (line["event"], line["service"], line["level"]) == ("odd thing", "tests", "warning")


def test_less_than_the_level_is_not_written(written: io.StringIO) -> None:
    structlog.get_logger("a").debug("x")
    logging.getLogger("b").debug("x")
    logging.getLogger("httpx").info("x")
    assert written.getvalue() == ""


def test_an_exception_is_written_with_its_trace(written: io.StringIO) -> None:
    try:
        raise ZeroDivisionError("why")
    except ZeroDivisionError:
        structlog.get_logger("a").exception("crashed")
    (line,) = lines(written)
    assert "ZeroDivisionError: why" in str(line["exception"])
