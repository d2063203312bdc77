"""Mails that are to be sent, as rows: they survive the process that ordered them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from auth.mail.letters import Kind
from core.ids import new_id
from core.postgres import Postgres

# Who works on an order has it for so long; then another may take it.
LEASE: Final = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Order:
    """One mail that is to be sent. `user_id` None: to whoever has the address, if anybody."""

    id: str
    kind: Kind
    recipient: str
    user_id: str | None
    created_at: datetime
    attempts: int


class MailOrders:
    """The SQL of mail orders."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(self, kind: Kind, recipient: str, now: datetime, *, user_id: str | None = None) -> None:
        """Order a mail."""
        await self._postgres.execute(
            "INSERT INTO mail_orders (id, kind, recipient, user_id, created_at, next_at) "
            "VALUES ($1, $2, $3, $4, $5, $5)",
            new_id("mlo"),
            kind,
            recipient,
            user_id,
            now,
        )

    async def take(self, now: datetime, most: int) -> list[Order]:
        """Orders that are due, for LEASE; nobody else gets them meanwhile."""
        # An array, which is made once: a plan may ask an IN (SELECT ...) again for each row, and it would
        # then skip those that it has locked itself, and find the next ones, beyond its limit.
        rows = await self._postgres.fetch(
            "UPDATE mail_orders SET attempts = attempts + 1, next_at = $1::timestamptz + $3::interval "
            "WHERE id = ANY(ARRAY(SELECT id FROM mail_orders WHERE next_at <= $1 ORDER BY next_at LIMIT $2 "
            "FOR UPDATE SKIP LOCKED)) RETURNING id, kind, recipient, user_id, created_at, attempts",
            now,
            most,
            LEASE,
        )
        return [
            Order(
                row["id"],
                Kind(row["kind"]),
                row["recipient"],
                row["user_id"],
                row["created_at"],
                row["attempts"],
            )
            for row in rows
        ]

    async def done(self, order_id: str) -> None:
        """Sent, or given up."""
        await self._postgres.execute("DELETE FROM mail_orders WHERE id = $1", order_id)

    async def later(self, order_id: str, at: datetime) -> None:
        """Try again at this time."""
        await self._postgres.execute("UPDATE mail_orders SET next_at = $2 WHERE id = $1", order_id, at)
