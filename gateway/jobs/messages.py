"""What travels through Kafka: only which job, never its content. Postgres is where the truth is."""

from collections.abc import Mapping

import msgspec

from core.broker import Message
from core.errors import Invalid

VERSION = 1
PARTITIONS = 8


def topic(prefix: str) -> str:
    """The topic of all jobs."""
    return f"{prefix}.jobs"


class JobMessage(msgspec.Struct, frozen=True):
    """Version 1 of the message."""

    job_id: str
    kind: str
    version: int = VERSION


def headers_of(*, idempotency_key: str, traceparent: str) -> dict[str, str]:
    """The headers every message carries."""
    return {
        "version": str(VERSION),
        "idempotency-key": idempotency_key,
        "traceparent": traceparent,
        "content-type": "application/json",
    }


def payload_of(message: JobMessage) -> Mapping[str, object]:
    """As it stands in the outbox."""
    payload: Mapping[str, object] = msgspec.to_builtins(message)
    return payload


def read(message: Message) -> JobMessage:
    """Raises core.errors.Invalid for a message that is not one of ours, or of a version we do not know."""
    try:
        job = msgspec.json.decode(message.value, type=JobMessage)
    except msgspec.DecodeError as error:
        raise Invalid("This message is not a job.") from error
    if job.version != VERSION:
        raise Invalid(f"Job messages of version {job.version} are not known here.")
    return job
