"""Pictures of people: take one, show it, forget it."""

import asyncio
import hashlib
from typing import Final

from auth.accounts.service import Accounts
from auth.accounts.tables import UserRow
from auth.pictures.drawing import draw
from auth.pictures.repository import PictureRepository
from core.errors import NotFound

# Drawing takes a thread and some hundred megabytes for the largest pictures.
AT_ONCE: Final = 2


class Pictures:
    """What a person can do with their picture."""

    def __init__(self, repository: PictureRepository, accounts: Accounts) -> None:
        self._repository = repository
        self._accounts = accounts
        self._room = asyncio.Semaphore(AT_ONCE)

    async def put(self, user_id: str, content: bytes) -> UserRow:
        """Make this the person's picture. Raises Invalid for what is no picture."""
        async with self._room:
            image = await asyncio.to_thread(draw, content)
        await self._repository.put(user_id, image, hashlib.sha256(image).hexdigest()[:16])
        return await self._accounts.get(user_id)

    async def remove(self, user_id: str) -> UserRow:
        """Forget the picture, if there is one."""
        await self._repository.remove(user_id)
        return await self._accounts.get(user_id)

    async def get(self, user_id: str) -> bytes:
        """The picture as WebP. Raises NotFound where there is none."""
        image = await self._repository.get(user_id)
        if image is None:
            raise NotFound("There is no picture.")
        return image
