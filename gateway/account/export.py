"""Everything that is kept of a person, as one JSON document, piece by piece."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson
from pydantic import BaseModel

from auth.accounts.schemas import UserView
from auth.api_keys.schemas import KeyView
from auth.audit.repository import Wanted
from auth.audit.schemas import AuditEventView
from auth.oauth.schemas import IdentityView
from auth.passkeys.schemas import PasskeyView
from auth.principal import Principal
from auth.sessions.schemas import DeviceView
from auth.wiring import Auth
from core.errors import NotFound
from gateway.conversations.exporting.service import ExportService
from gateway.conversations.service import ConversationService
from gateway.prompts.service import PromptService
from gateway.usage.repository import LedgerRepository
from gateway.usage.schemas import UsageReport

BATCH: Final = 100
# As long as the ledger tells by day.
USAGE_DAYS: Final = 366


class AccountExport:
    """Writes what auth and the gateway keep of one person. Secrets are not part of it."""

    def __init__(
        self,
        auth: Auth,
        conversations: ConversationService,
        exports: ExportService,
        prompts: PromptService,
        ledger: LedgerRepository,
    ) -> None:
        self._auth = auth
        self._conversations = conversations
        self._exports = exports
        self._prompts = prompts
        self._ledger = ledger

    async def document(self, principal: Principal) -> AsyncIterator[bytes]:
        """`{"account": ..., "sessions": [...], ..., "conversations": [...]}`; no database connection is held
        while a client reads slowly."""
        user_id = principal.user_id
        yield b'{"account":' + _one(UserView.of(await self._auth.accounts.get(user_id)))
        yield b',\n"picture":' + orjson.dumps(await self._picture(user_id))
        for name, items in (await self._lists(principal)).items():
            yield b",\n" + orjson.dumps(name) + b":" + _many(items)
        yield b',\n"usage":' + _one(UsageReport.of(await self._ledger.by_day(user_id, USAGE_DAYS)))
        yield b',\n"audit":['
        async for piece in _separated(self._audit(user_id)):
            yield piece
        yield b'],\n"conversations":['
        first = True
        async for conversation_id in self._conversation_ids(user_id):
            yield b"\n" if first else b",\n"
            first = False
            async for piece in self._exports.document(user_id, conversation_id):
                yield piece
        yield b"]}\n"

    async def _picture(self, user_id: str) -> str | None:
        """A WebP file as base64."""
        try:
            return b64encode(await self._auth.pictures.get(user_id)).decode()
        except NotFound:
            return None

    async def _lists(self, principal: Principal) -> dict[str, Sequence[BaseModel]]:
        auth, user_id = self._auth, principal.user_id
        current = principal.session_id
        return {
            "sessions": [DeviceView.of(row, current=current) for row in await auth.sessions.of_user(user_id)],
            "api_keys": [KeyView.of(row) for row in await auth.api_keys.of_user(user_id)],
            "passkeys": [PasskeyView.of(row) for row in await auth.passkeys.of_user(user_id)],
            "identities": [IdentityView.of(row) for row in await auth.oauth.of_user(user_id)],
            "prompts": [one for one in (await self._prompts.all(user_id)).items if one.mine],
        }

    async def _audit(self, user_id: str) -> AsyncIterator[bytes]:
        before: int | None = None
        while rows := await self._auth.audit.page(Wanted(actor=user_id), before=before, limit=BATCH):
            for row in rows:
                yield _one(AuditEventView.of(row))
            before = rows[-1].number

    async def _conversation_ids(self, user_id: str) -> AsyncIterator[str]:
        for archived in (False, True):
            cursor: str | None = None
            while True:
                page = await self._conversations.page(user_id, BATCH, cursor, archived=archived)
                for item in page.items:
                    yield item.id
                cursor = page.next_cursor
                if cursor is None:
                    break


def _one(item: BaseModel) -> bytes:
    values: dict[str, Any] = item.model_dump(mode="json")
    return orjson.dumps(values)


def _many(items: Sequence[BaseModel]) -> bytes:
    return b"[" + b",\n".join(map(_one, items)) + b"]"


async def _separated(items: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    separator = b"\n"
    async for item in items:
        yield separator + item
        separator = b",\n"
