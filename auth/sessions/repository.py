"""The SQL of sessions and refresh tokens."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from auth.accounts.tables import USER_COLUMNS
from auth.sessions.tables import DeviceRow, RefreshTokenRow, SessionRow
from auth.visitor import Visitor
from core.ids import new_id
from core.postgres import Connection, Postgres

_USER = ", ".join(f"u.{column}" for column in USER_COLUMNS.split(", "))
_SESSION = (
    f"SELECT {_USER}, s.id AS session_id, s.created_at AS session_created_at, "  # noqa: S608
    "s.expires_at, s.authenticated_at, s.second_factor, s.revoked_at "
    "FROM sessions s JOIN users u ON u.id = s.user_id "
)
_SESSION_OF_TOKEN = f"{_SESSION} WHERE s.id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1)"  # noqa: S608
PURGE_BATCH = 1000
MOST_LISTED = 200


class SessionRepository:
    """Reads and writes sessions."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def open(
        self,
        user_id: str,
        token_hash: bytes,
        *,
        now: datetime,
        expires_at: datetime,
        visitor: Visitor,
        second_factor: bool,
    ) -> str:
        """Begin a session with its first refresh token; its id."""
        session_id = new_id("ses")
        async with self._postgres.transaction() as connection:
            await connection.execute(
                "INSERT INTO sessions "
                "(id, user_id, created_at, last_used_at, authenticated_at, expires_at, address, user_agent, "
                "second_factor) VALUES ($1, $2, $3, $3, $3, $4, $5, $6, $7)",
                session_id,
                user_id,
                now,
                expires_at,
                visitor.address,
                visitor.user_agent,
                second_factor,
            )
            await self._add_token(connection, session_id, token_hash, 1, now)
        return session_id

    async def find(self, session_id: str) -> SessionRow | None:
        """A session and its user."""
        record = await self._postgres.fetchrow(_SESSION + "WHERE s.id = $1", session_id)
        return SessionRow.of(record) if record else None

    async def find_by_token(self, token_hash: bytes) -> SessionRow | None:
        """The session of a refresh token, used or not."""
        record = await self._postgres.fetchrow(
            _SESSION_OF_TOKEN,
            token_hash,
        )
        return SessionRow.of(record) if record else None

    async def of_user(self, user_id: str, now: datetime) -> list[DeviceRow]:
        """A person's live sessions, the one that was used last first."""
        rows = await self._postgres.fetch(
            "SELECT id, created_at, last_used_at, expires_at, address, user_agent, second_factor "
            "FROM sessions WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 "
            "ORDER BY last_used_at DESC, id DESC LIMIT $3",
            user_id,
            now,
            MOST_LISTED,
        )
        return [DeviceRow.of(row) for row in rows]

    async def owner(self, session_id: str) -> str | None:
        """Whose session it is."""
        owner: str | None = await self._postgres.fetchval(
            "SELECT user_id FROM sessions WHERE id = $1", session_id
        )
        return owner

    async def live(self, session_ids: Sequence[str], now: datetime) -> set[str]:
        """Those of these sessions that are live."""
        rows = await self._postgres.fetch(
            "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.id = ANY($1::text[]) "
            "AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.status = 'active' "
            "AND (u.delete_at IS NULL OR u.delete_at > $2)",
            list(session_ids),
            now,
        )
        return {row["id"] for row in rows}

    async def lock_by_token(self, connection: Connection, token_hash: bytes) -> SessionRow | None:
        """Like `find_by_token`; others who want to lock it wait until the transaction ends."""
        record = await connection.fetchrow(
            f"{_SESSION_OF_TOKEN} FOR UPDATE OF s",
            token_hash,
        )
        return SessionRow.of(record) if record else None

    async def tokens(
        self, connection: Connection, session_id: str, token_hash: bytes
    ) -> tuple[RefreshTokenRow, RefreshTokenRow]:
        """The row of `token_hash` and the newest of the session, read after the lock was taken."""
        rows = await connection.fetch(
            "(SELECT 1 AS place, token_hash, generation, used_at FROM refresh_tokens WHERE token_hash = $2) "
            "UNION ALL (SELECT 2, token_hash, generation, used_at FROM refresh_tokens WHERE session_id = $1 "
            "ORDER BY generation DESC LIMIT 1) ORDER BY place",
            session_id,
            token_hash,
        )
        presented, newest = (
            RefreshTokenRow(row["token_hash"], row["generation"], row["used_at"]) for row in rows
        )
        return presented, newest

    async def rotate(
        self,
        connection: Connection,
        session_id: str,
        used: RefreshTokenRow,
        successor_hash: bytes,
        *,
        now: datetime,
        expires_at: datetime,
    ) -> None:
        """Mark a token as used, add its successor, and give the session a new end."""
        await connection.execute(
            "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1", used.token_hash, now
        )
        await self._add_token(connection, session_id, successor_hash, used.generation + 1, now)
        await connection.execute(
            "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE id = $1",
            session_id,
            now,
            expires_at,
        )

    async def end(
        self, session_id: str, reason: str, now: datetime, connection: Connection | None = None
    ) -> None:
        """Revoke a session; the first reason stays."""
        await (connection or self._postgres).execute(
            "UPDATE sessions SET revoked_at = $3, revoked_reason = $2 WHERE id = $1 AND revoked_at IS NULL",
            session_id,
            reason,
            now,
        )

    async def end_all_of(self, user_id: str, reason: str, now: datetime, *, keep: str | None) -> list[str]:
        """Revoke a person's sessions except `keep`; the ids of those that ended."""
        rows = await self._postgres.fetch(
            "UPDATE sessions SET revoked_at = $3, revoked_reason = $2 "
            "WHERE user_id = $1 AND revoked_at IS NULL AND id IS DISTINCT FROM $4 RETURNING id",
            user_id,
            reason,
            now,
            keep,
        )
        return [row["id"] for row in rows]

    async def purge(self, now: datetime, keep: timedelta) -> None:
        """Delete sessions that ended longer ago than `keep`, a batch at a time."""
        await self._postgres.execute(
            "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)",
            now - keep,
            PURGE_BATCH,
        )

    async def _add_token(
        self, connection: Connection, session_id: str, token_hash: bytes, generation: int, now: datetime
    ) -> None:
        await connection.execute(
            "INSERT INTO refresh_tokens (token_hash, session_id, generation, created_at) "
            "VALUES ($1, $2, $3, $4)",
            token_hash,
            session_id,
            generation,
            now,
        )
