"""The SQL of looking after accounts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from auth.accounts.tables import USER_COLUMNS, UserRow
from auth.people.last_admin import is_last_admin
from auth.principal import Role
from core.postgres import Postgres, Record

_USER: Final = ", ".join(f"u.{column}" for column in USER_COLUMNS.split(", "))
_PERSON: Final = (
    f"SELECT {_USER}, "  # noqa: S608
    "(EXISTS (SELECT 1 FROM totp_factors f WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL) "
    "OR EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = u.id)) AS has_factor, "
    "(SELECT count(*) FROM sessions s WHERE s.user_id = u.id AND s.revoked_at IS NULL "
    "AND s.expires_at > $1) AS open_sessions, "
    "(SELECT max(last_used_at) FROM sessions s WHERE s.user_id = u.id) AS last_seen_at, "
    "(SELECT g.name FROM groups g WHERE g.id = u.group_id) AS group_name FROM users u "
)


@dataclass(frozen=True, slots=True)
class PersonRow:
    """An account and how it is used."""

    user: UserRow
    has_factor: bool
    open_sessions: int
    last_seen_at: datetime | None
    group_name: str | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record of _PERSON."""
        return cls(
            user=UserRow.of(record),
            has_factor=bool(record["has_factor"]),
            open_sessions=record["open_sessions"],
            last_seen_at=record["last_seen_at"],
            group_name=record["group_name"],
        )


class PeopleRepository:
    """Reads and writes accounts of others."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def page(
        self, words: str, group_id: str | None, before: str | None, limit: int, now: datetime
    ) -> list[PersonRow]:
        """Accounts whose address or name holds `words`, of this group where one is named, newest first, below
        the id `before`."""
        pattern = "%" + words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        rows = await self._postgres.fetch(
            _PERSON
            + "WHERE ($2::text IS NULL OR u.id < $2) AND (u.email ILIKE $3 OR u.name ILIKE $3 OR u.id = $4) "
            "AND ($5::text IS NULL OR u.group_id = $5) ORDER BY u.id DESC LIMIT $6",
            now,
            before,
            pattern,
            words,
            group_id,
            limit,
        )
        return [PersonRow.of(row) for row in rows]

    async def find(self, user_id: str, now: datetime) -> PersonRow | None:
        """The account of this id."""
        row = await self._postgres.fetchrow(_PERSON + "WHERE u.id = $2", now, user_id)
        return PersonRow.of(row) if row else None

    async def change(self, user_id: str, *, role: Role | None, active: bool | None, now: datetime) -> bool:
        """Another role, or enabled or disabled; disabling ends sessions. False where nobody could look after
        people any more."""
        async with self._postgres.transaction() as connection:
            loses_power = active is False or (role is not None and role is not Role.ADMIN)
            if loses_power and await is_last_admin(connection, user_id):
                return False
            await connection.execute(
                "UPDATE users SET role = coalesce($2, role), status = coalesce($3, status), "
                "updated_at = now() WHERE id = $1",
                user_id,
                role,
                None if active is None else ("active" if active else "disabled"),
            )
            if active is False:
                await connection.execute(
                    "UPDATE sessions SET revoked_at = $2, revoked_reason = 'account_disabled' "
                    "WHERE user_id = $1 AND revoked_at IS NULL",
                    user_id,
                    now,
                )
        return True
