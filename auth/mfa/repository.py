"""The SQL of second factors."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from core.postgres import Connection, Postgres


@dataclass(frozen=True, slots=True)
class TotpRow:
    """An authenticator app of a person. `confirmed` False: begun, and not in force."""

    secret: str
    confirmed: bool
    created_at: datetime
    last_step: int


@dataclass(frozen=True, slots=True)
class FactorSummary:
    """What a person has besides the password."""

    totp_since: datetime | None
    recovery_codes_left: int
    passkeys: int

    @property
    def any(self) -> bool:
        """Whether signing in takes more than the password."""
        return self.totp_since is not None or self.passkeys > 0


class FactorRepository:
    """Reads and writes second factors."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def summary(self, user_id: str) -> FactorSummary:
        """What this person has."""
        row = await self._postgres.fetchrow(
            "SELECT (SELECT confirmed_at FROM totp_factors WHERE user_id = $1) AS totp_since, "
            "(SELECT count(*) FROM recovery_codes WHERE user_id = $1) AS codes, "
            "(SELECT count(*) FROM passkeys WHERE user_id = $1) AS passkeys",
            user_id,
        )
        assert row is not None  # noqa: S101 - a SELECT without FROM has one row
        return FactorSummary(row["totp_since"], row["codes"], row["passkeys"])

    async def totp(self, user_id: str) -> TotpRow | None:
        """The authenticator app of this person, confirmed or not."""
        row = await self._postgres.fetchrow(
            "SELECT secret, confirmed_at, created_at, last_step FROM totp_factors WHERE user_id = $1", user_id
        )
        if row is None:
            return None
        return TotpRow(row["secret"], row["confirmed_at"] is not None, row["created_at"], row["last_step"])

    async def begin_totp(self, user_id: str, secret: str, now: datetime) -> bool:
        """Keep a secret that is to be confirmed, in place of an earlier one; False where one is in force."""
        tag = await self._postgres.execute(
            "INSERT INTO totp_factors (user_id, secret, created_at) VALUES ($1, $2, $3) "
            "ON CONFLICT (user_id) DO UPDATE SET secret = $2, created_at = $3, last_step = 0 "
            "WHERE totp_factors.confirmed_at IS NULL",
            user_id,
            secret,
            now,
        )
        return tag == "INSERT 0 1"

    async def confirm_totp(
        self, user_id: str, secret: str, step: int, codes: Sequence[bytes], now: datetime
    ) -> bool:
        """Put the secret in force, with fresh recovery codes; False where another one was begun."""
        async with self._postgres.transaction() as connection:
            tag = await connection.execute(
                "UPDATE totp_factors SET confirmed_at = $4, last_step = $3 "
                "WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NULL",
                user_id,
                secret,
                step,
                now,
            )
            if tag != "UPDATE 1":
                return False
            await self._replace_codes(connection, user_id, codes, now)
        return True

    async def use_step(self, user_id: str, secret: str, step: int) -> bool:
        """Take the code of a time step: False where it, or a later one, was taken before."""
        tag = await self._postgres.execute(
            "UPDATE totp_factors SET last_step = $3 "
            "WHERE user_id = $1 AND secret = $2 AND confirmed_at IS NOT NULL AND last_step < $3",
            user_id,
            secret,
            step,
        )
        return tag == "UPDATE 1"

    async def use_recovery_code(self, user_id: str, code_hash: bytes) -> bool:
        """Take a recovery code, which is gone then; False where there is no such code."""
        tag = await self._postgres.execute(
            "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2", user_id, code_hash
        )
        return tag == "DELETE 1"

    async def replace_codes(self, user_id: str, codes: Sequence[bytes], now: datetime) -> None:
        """Fresh recovery codes; the earlier ones are void."""
        async with self._postgres.transaction() as connection:
            await self._replace_codes(connection, user_id, codes, now)

    async def remove_totp(self, user_id: str) -> bool:
        """Take the app away, and with the last factor the recovery codes; whether there was one in force."""
        async with self._postgres.transaction() as connection:
            tag = await connection.execute(
                "DELETE FROM totp_factors WHERE user_id = $1 AND confirmed_at IS NOT NULL", user_id
            )
            if tag != "DELETE 1":
                return False
            await connection.execute(
                "DELETE FROM recovery_codes WHERE user_id = $1 "
                "AND NOT EXISTS (SELECT 1 FROM passkeys WHERE user_id = $1)",
                user_id,
            )
        return True

    async def remove_all(self, user_id: str) -> bool:
        """Take every factor away, passkeys and recovery codes too; whether there was one."""
        async with self._postgres.transaction() as connection:
            found = False
            for table in ("totp_factors", "passkeys", "recovery_codes"):
                tag = await connection.execute(f"DELETE FROM {table} WHERE user_id = $1", user_id)  # noqa: S608
                found = found or tag != "DELETE 0"
        return found

    async def _replace_codes(
        self, connection: Connection, user_id: str, codes: Sequence[bytes], now: datetime
    ) -> None:
        await connection.execute("DELETE FROM recovery_codes WHERE user_id = $1", user_id)
        await connection.executemany(
            "INSERT INTO recovery_codes (user_id, code_hash, created_at) VALUES ($1, $2, $3)",
            [(user_id, code, now) for code in codes],
        )
