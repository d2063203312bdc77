"""The SQL of passkeys."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from core.ids import new_id
from core.postgres import Postgres, Record

_COLUMNS: Final = (
    "id, user_id, credential_id, public_key, sign_count, name, backed_up, created_at, last_used_at"
)
MOST_PASSKEYS: Final = 20


@dataclass(frozen=True, slots=True)
class PasskeyRow:
    """One passkey. `backed_up`: it can be restored on another device of its owner."""

    id: str
    user_id: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    backed_up: bool
    created_at: datetime
    last_used_at: datetime | None

    @classmethod
    def of(cls, record: Record) -> Self:
        """From a record that holds _COLUMNS."""
        values: dict[str, Any] = {name: record[name] for name in cls.__slots__}
        return cls(**values)


class PasskeyRepository:
    """Reads and writes passkeys."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of_user(self, user_id: str) -> list[PasskeyRow]:
        """A person's passkeys, oldest first."""
        rows = await self._postgres.fetch(
            f"SELECT {_COLUMNS} FROM passkeys WHERE user_id = $1 ORDER BY created_at, id",  # noqa: S608
            user_id,
        )
        return [PasskeyRow.of(row) for row in rows]

    async def find(self, credential_id: bytes) -> PasskeyRow | None:
        """The passkey with this id of its own."""
        row = await self._postgres.fetchrow(
            f"SELECT {_COLUMNS} FROM passkeys WHERE credential_id = $1",  # noqa: S608
            credential_id,
        )
        return PasskeyRow.of(row) if row else None

    async def add(
        self,
        user_id: str,
        *,
        credential_id: bytes,
        public_key: bytes,
        sign_count: int,
        name: str,
        backed_up: bool,
        now: datetime,
    ) -> PasskeyRow | None:
        """The new passkey, or None where it is known already or the person has MOST_PASSKEYS."""
        row = await self._postgres.fetchrow(
            "INSERT INTO passkeys (id, user_id, credential_id, public_key, sign_count, name, backed_up, "  # noqa: S608
            "created_at) SELECT $1, $2, $3, $4, $5, $6, $7, $8 "
            "WHERE (SELECT count(*) FROM passkeys WHERE user_id = $2) < $9 "
            f"ON CONFLICT (credential_id) DO NOTHING RETURNING {_COLUMNS}",
            new_id("psk"),
            user_id,
            credential_id,
            public_key,
            sign_count,
            name,
            backed_up,
            now,
            MOST_PASSKEYS,
        )
        return PasskeyRow.of(row) if row else None

    async def used(self, passkey_id: str, *, before: int, sign_count: int, now: datetime) -> bool:
        """Note a use; False where the passkey was used by somebody else meanwhile."""
        tag = await self._postgres.execute(
            "UPDATE passkeys SET sign_count = $3, last_used_at = $4 WHERE id = $1 AND sign_count = $2",
            passkey_id,
            before,
            sign_count,
            now,
        )
        return tag == "UPDATE 1"

    async def remove(self, user_id: str, passkey_id: str) -> bool:
        """Whether this person had this passkey."""
        tag = await self._postgres.execute(
            "DELETE FROM passkeys WHERE id = $2 AND user_id = $1", user_id, passkey_id
        )
        return tag == "DELETE 1"
