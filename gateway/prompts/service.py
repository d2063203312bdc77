"""What a person does with the library of prompts."""

from core.errors import Forbidden, NotFound
from gateway.prompts.repository import PromptRepository
from gateway.prompts.schemas import PromptIn, PromptList, PromptOut, PromptPatch, RenderIn, RenderOut
from gateway.prompts.tables import PromptRow, PromptScope
from gateway.prompts.templates import render, variables_of


class PromptService:
    """One's own prompts, and those for everyone; only administrators write the latter.

    Args of the writing methods:
        admin: whether the person is an administrator at this moment.
    """

    def __init__(self, repository: PromptRepository) -> None:
        self._repository = repository

    async def all(self, user_id: str) -> PromptList:
        return PromptList(items=[PromptOut.of(row, user_id) for row in await self._repository.all(user_id)])

    async def create(self, user_id: str, wanted: PromptIn, *, admin: bool) -> PromptOut:
        """Raises core.errors.Invalid for what is not a template, Forbidden, Conflict."""
        if wanted.scope is PromptScope.EVERYONE and not admin:
            raise Forbidden("Only administrators add prompts for everyone.")
        variables_of(wanted.template)
        row = await self._repository.create(
            user_id,
            scope=wanted.scope,
            name=wanted.name,
            description=wanted.description,
            template=wanted.template,
        )
        return PromptOut.of(row, user_id)

    async def change(self, user_id: str, prompt_id: str, wanted: PromptPatch, *, admin: bool) -> PromptOut:
        """Raises core.errors.NotFound, Forbidden, Invalid."""
        await self._require_own(user_id, prompt_id, admin=admin)
        if wanted.template is not None:
            variables_of(wanted.template)
        row = await self._repository.change(prompt_id, wanted.changes())
        if row is None:
            raise NotFound("This prompt is not there.")
        return PromptOut.of(row, user_id)

    async def delete(self, user_id: str, prompt_id: str, *, admin: bool) -> None:
        """Raises core.errors.NotFound, Forbidden."""
        await self._require_own(user_id, prompt_id, admin=admin)
        await self._repository.delete(prompt_id)

    async def render(self, user_id: str, prompt_id: str, wanted: RenderIn) -> RenderOut:
        """Raises core.errors.NotFound, Invalid."""
        row = await self._require(user_id, prompt_id)
        return RenderOut(text=await render(row.template, wanted.variables))

    async def _require(self, user_id: str, prompt_id: str) -> PromptRow:
        row = await self._repository.get(user_id, prompt_id)
        if row is None:
            raise NotFound("This prompt is not there.")
        return row

    async def _require_own(self, user_id: str, prompt_id: str, *, admin: bool) -> None:
        row = await self._require(user_id, prompt_id)
        if row.scope is PromptScope.EVERYONE and not admin:
            raise Forbidden("Only administrators change prompts for everyone.")
