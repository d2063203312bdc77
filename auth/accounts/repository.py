"""The SQL of users."""

from datetime import datetime

from auth.accounts.tables import USER_COLUMNS, UserRow
from auth.budget import Budget
from auth.principal import Role
from core.ids import new_id
from core.postgres import Connection, Postgres


class AccountRepository:
    """Reads and writes users."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def add(
        self,
        *,
        email: str,
        lookup: str,
        name: str,
        password_hash: str | None,
        role: Role,
        verified_at: datetime | None,
        connection: Connection | None = None,
    ) -> UserRow | None:
        """The new account, or None where the address is taken."""
        record = await (connection or self._postgres).fetchrow(
            f"INSERT INTO users (id, email, email_normalised, name, password_hash, role, email_verified_at) "  # noqa: S608
            "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email_normalised) DO NOTHING "
            f"RETURNING {USER_COLUMNS}",
            new_id("usr"),
            email,
            lookup,
            name,
            password_hash,
            role,
            verified_at,
        )
        return UserRow.of(record) if record else None

    async def by_lookup(self, lookup: str) -> UserRow | None:
        """The account of a normalised address."""
        record = await self._postgres.fetchrow(
            f"SELECT {USER_COLUMNS} FROM users WHERE email_normalised = $1",  # noqa: S608
            lookup,
        )
        return UserRow.of(record) if record else None

    async def by_id(self, user_id: str) -> UserRow | None:
        """The account of this id."""
        record = await self._postgres.fetchrow(
            f"SELECT {USER_COLUMNS} FROM users WHERE id = $1",  # noqa: S608
            user_id,
        )
        return UserRow.of(record) if record else None

    async def replace_hash(self, user_id: str, old: str, new: str) -> None:
        """Store a stronger hash of the same password, unless the password was changed in the meantime."""
        await self._postgres.execute(
            "UPDATE users SET password_hash = $3, updated_at = now() WHERE id = $1 AND password_hash = $2",
            user_id,
            old,
            new,
        )

    async def set_password(
        self, connection: Connection, user_id: str, password_hash: str, *, long: bool, now: datetime
    ) -> None:
        """Store a new password. `long`: whether it may be all there is."""
        await connection.execute(
            "UPDATE users SET password_hash = $2, password_long = $3, password_changed_at = $4, "
            "updated_at = now() WHERE id = $1",
            user_id,
            password_hash,
            long,
            now,
        )

    async def set_verified(self, connection: Connection, user_id: str, now: datetime) -> None:
        """The address was proved; the first time stays."""
        await connection.execute(
            "UPDATE users SET email_verified_at = coalesce(email_verified_at, $2), updated_at = now() "
            "WHERE id = $1",
            user_id,
            now,
        )

    async def set_email(
        self, connection: Connection, user_id: str, email: str, lookup: str, now: datetime
    ) -> None:
        """Give the account another address, which was proved. Raises core.postgres.UniqueViolation where
        another account has it."""
        await connection.execute(
            "UPDATE users SET email = $2, email_normalised = $3, email_verified_at = $4, updated_at = now() "
            "WHERE id = $1",
            user_id,
            email,
            lookup,
            now,
        )

    async def set_profile(
        self, user_id: str, *, name: str, language: str | None, time_zone: str | None
    ) -> UserRow | None:
        """What a person says of themselves; the account as it is then."""
        record = await self._postgres.fetchrow(
            "UPDATE users SET name = $2, language = $3, time_zone = $4, updated_at = now() "  # noqa: S608
            f"WHERE id = $1 RETURNING {USER_COLUMNS}",
            user_id,
            name,
            language,
            time_zone,
        )
        return UserRow.of(record) if record else None

    async def set_budget(self, user_id: str, budget: Budget) -> bool:
        """Whether there is such an account."""
        tag = await self._postgres.execute(
            "UPDATE users SET tokens_per_day = $2, tokens_per_month = $3, updated_at = now() WHERE id = $1",
            user_id,
            budget.day,
            budget.month,
        )
        return tag == "UPDATE 1"

    async def set_role(self, lookup: str, role: Role) -> str | None:
        """The id of the account whose role was set, or None."""
        user_id: str | None = await self._postgres.fetchval(
            "UPDATE users SET role = $2, updated_at = now() WHERE email_normalised = $1 RETURNING id",
            lookup,
            role,
        )
        return user_id

    async def set_active(self, lookup: str, *, active: bool, now: datetime) -> str | None:
        """Enable or disable an account, which ends its sessions; its id, or None."""
        async with self._postgres.transaction() as connection:
            user_id: str | None = await connection.fetchval(
                "UPDATE users SET status = $2, updated_at = now() WHERE email_normalised = $1 RETURNING id",
                lookup,
                "active" if active else "disabled",
            )
            if user_id is not None and not active:
                await connection.execute(
                    "UPDATE sessions SET revoked_at = $2, revoked_reason = 'account_disabled' "
                    "WHERE user_id = $1 AND revoked_at IS NULL",
                    user_id,
                    now,
                )
        return user_id
