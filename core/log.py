"""Structured logs on standard error: one JSON object a line, or text for people."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog

_SECRET_WORDS = ("password", "token", "secret", "authorization", "cookie", "api_key")


_DEEPEST = 4


def _redact(_: Any, __: str, event: Any) -> Any:
    """Keep credentials out of the logs even when a caller passes them by mistake."""
    for key, value in event.items():
        event[key] = _harmless(key, value, _DEEPEST)
    return event


def _harmless(name: str, value: Any, depth: int) -> Any:
    """`value` as it may be written under `name`, and what is inside of it as well."""
    lowered = name.lower()
    if any(word in lowered for word in _SECRET_WORDS) and not isinstance(value, int | float | bool):
        return "[redacted]"
    if depth and isinstance(value, Mapping):
        return {key: _harmless(str(key), part, depth - 1) for key, part in value.items()}
    if depth and isinstance(value, list | tuple):
        return [_harmless("", part, depth - 1) for part in value]
    return value


def configure_logging(service: str, level: str = "INFO", style: str = "json") -> None:
    """Send this process's logs, the libraries' included, through one renderer.

    Args:
        service: name shown on each line.
        level: least severity written.
        style: `json` or `text`.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _add_service(service),
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    # These tell of every connection, one of them with the query, where a socket's ticket stands.
    for noisy in ("aiokafka", "asyncio", "uvicorn.access", "uvicorn.error", "httpx", "kafka"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _add_service(service: str) -> Any:
    def add(_: Any, __: str, event: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"service": service, **event}

    return add


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger whose lines carry `name`."""
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(name)
    return logger
