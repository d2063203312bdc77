"""The SQL of API keys."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from auth.accounts.tables import USER_COLUMNS, UserRow
from auth.api_keys.tables import KEY_COLUMNS, KeyRow
from auth.budget import Budget
from core.ids import new_id
from core.postgres import Postgres

_USER = ", ".join(f"u.{column}" for column in USER_COLUMNS.split(", "))


class KeyRepository:
    """Reads and writes API keys."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(
        self,
        user_id: str,
        *,
        name: str,
        prefix: str,
        key_hash: bytes,
        scopes: Sequence[str],
        models: Sequence[str] | None,
        now: datetime,
        expires_at: datetime | None,
        budget: Budget,
        requests_per_minute: int | None,
        most: int,
    ) -> KeyRow | None:
        """The new key, or None where the person has `most` already."""
        async with self._postgres.transaction() as connection:
            # Several requests at once must not count past the limit together.
            await connection.execute("SELECT 1 FROM users WHERE id = $1 FOR UPDATE", user_id)
            count = await connection.fetchval(
                "SELECT count(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL", user_id
            )
            if count >= most:
                return None
            record = await connection.fetchrow(
                "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes, created_at, expires_at, "  # noqa: S608
                "tokens_per_day, tokens_per_month, models, requests_per_minute) "
                f"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING {KEY_COLUMNS}",
                new_id("key"),
                user_id,
                name,
                prefix,
                key_hash,
                list(scopes),
                now,
                expires_at,
                budget.day,
                budget.month,
                None if models is None else list(models),
                requests_per_minute,
            )
        return KeyRow.of(record) if record else None

    async def one_of(self, user_id: str, key_id: str) -> KeyRow | None:
        """A person's key that is not revoked."""
        record = await self._postgres.fetchrow(
            f"SELECT {KEY_COLUMNS} FROM api_keys WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL",  # noqa: S608
            user_id,
            key_id,
        )
        return KeyRow.of(record) if record else None

    async def end_at(self, user_id: str, key_id: str, at: datetime) -> None:
        """The key is good until then, unless it ends earlier."""
        await self._postgres.execute(
            "UPDATE api_keys SET expires_at = LEAST(expires_at, $3) WHERE id = $2 AND user_id = $1",
            user_id,
            key_id,
            at,
        )

    async def of_user(self, user_id: str) -> list[KeyRow]:
        """A person's keys that are not revoked, newest first."""
        rows = await self._postgres.fetch(
            f"SELECT {KEY_COLUMNS} FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL "  # noqa: S608
            "ORDER BY created_at DESC, id DESC",
            user_id,
        )
        return [KeyRow.of(row) for row in rows]

    async def change(
        self, user_id: str, key_id: str, *, budget: Budget, requests_per_minute: int | None
    ) -> KeyRow | None:
        """The key with other bounds, or None where this person has no such key."""
        record = await self._postgres.fetchrow(
            "UPDATE api_keys SET tokens_per_day = $3, tokens_per_month = $4, requests_per_minute = $5 "  # noqa: S608
            f"WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL RETURNING {KEY_COLUMNS}",
            user_id,
            key_id,
            budget.day,
            budget.month,
            requests_per_minute,
        )
        return KeyRow.of(record) if record else None

    async def revoke(self, user_id: str, key_id: str, now: datetime) -> bool:
        """Whether this person had this key."""
        tag = await self._postgres.execute(
            "UPDATE api_keys SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL",
            user_id,
            key_id,
            now,
        )
        return tag == "UPDATE 1"

    async def find(self, key_hash: bytes, now: datetime) -> tuple[KeyRow, UserRow] | None:
        """A live key and its active owner."""
        record = await self._postgres.fetchrow(
            f"SELECT {_USER}, k.id AS key_id, k.name AS key_name, k.prefix, k.scopes, k.models, "  # noqa: S608
            "k.expires_at, k.created_at AS key_created_at, k.last_used_at, "
            "k.tokens_per_day AS key_tokens_per_day, k.tokens_per_month AS key_tokens_per_month, "
            "k.requests_per_minute "
            "FROM api_keys k JOIN users u ON u.id = k.user_id "
            "WHERE k.key_hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2) "
            "AND u.status = 'active' AND u.delete_at IS NULL",
            key_hash,
            now,
        )
        if record is None:
            return None
        key = KeyRow(
            id=record["key_id"],
            name=record["key_name"],
            prefix=record["prefix"],
            scopes=tuple(record["scopes"]),
            models=None if record["models"] is None else tuple(record["models"]),
            created_at=record["key_created_at"],
            expires_at=record["expires_at"],
            last_used_at=record["last_used_at"],
            budget=Budget(record["key_tokens_per_day"], record["key_tokens_per_month"]),
            requests_per_minute=record["requests_per_minute"],
        )
        return key, UserRow.of(record)

    async def live(self, key_ids: Sequence[str], now: datetime) -> set[str]:
        """Those of these keys that are live."""
        rows = await self._postgres.fetch(
            "SELECT k.id FROM api_keys k JOIN users u ON u.id = k.user_id "
            "WHERE k.id = ANY($1::text[]) AND k.revoked_at IS NULL "
            "AND (k.expires_at IS NULL OR k.expires_at > $2) AND u.status = 'active' AND u.delete_at IS NULL",
            list(key_ids),
            now,
        )
        return {row["id"] for row in rows}

    async def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Store when keys were last used, all in one statement."""
        await self._postgres.execute(
            "UPDATE api_keys SET last_used_at = GREATEST(last_used_at, used.at) "
            "FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at) WHERE api_keys.id = used.id",
            list(uses.keys()),
            list(uses.values()),
        )
