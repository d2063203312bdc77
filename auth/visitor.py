"""Where a request comes from: for limits, for the list of sessions, and for the audit log."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Visitor:
    """`address` of the client; what its browser calls itself; the request's id where one is known."""

    address: str
    user_agent: str | None = None
    request_id: str | None = None
