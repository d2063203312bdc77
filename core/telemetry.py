"""Traces: W3C context in and out; spans are exported only where a collector is configured."""

import re
import secrets
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_TRACEPARENT: Final = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_propagator: Final = TraceContextTextMapPropagator()


def configure_tracing(service: str, otlp_endpoint: str | None) -> TracerProvider | None:
    """Export spans to `otlp_endpoint` (OTLP over HTTP); without one, spans cost nothing.

    Returns the provider, whose `shutdown()` flushes what is left, or None.
    """
    if not otlp_endpoint:
        return None
    provider = TracerProvider(resource=Resource.create({"service.name": f"headrace-{service}"}))
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces", timeout=5))
    )
    trace.set_tracer_provider(provider)
    return provider


def tracer(name: str) -> trace.Tracer:
    """The tracer of one module."""
    return trace.get_tracer(name)


def new_traceparent(offered: str | None = None) -> str:
    """A `traceparent` for what we call next: the caller's trace when it sent a valid one.

    The ids are made here rather than by a span, so that a trace id exists, and can be quoted in a log or
    a message, also where no collector is configured.
    """
    match = _TRACEPARENT.fullmatch(offered) if offered else None
    trace_id = match.group(1) if match and match.group(1) != "0" * 32 else secrets.token_hex(16)
    return f"00-{trace_id}-{secrets.token_hex(8)}-{match.group(3) if match else '01'}"


def trace_id_of(traceparent: str) -> str:
    """The 32 hexadecimal digits in the middle of a `traceparent`."""
    return traceparent.split("-")[1]


def context_from(traceparent: str | None) -> Context:
    """The OpenTelemetry context a span should be started in."""
    return _propagator.extract({"traceparent": traceparent} if traceparent else {})
