"""`/api/prompts`."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from auth.dependencies import CurrentAuth, SignedIn
from auth.principal import Role
from gateway.dependencies import Prompts
from gateway.prompts.schemas import PromptIn, PromptList, PromptOut, PromptPatch, RenderIn, RenderOut

router = APIRouter(prefix="/prompts", tags=["prompts"])

PromptId = Annotated[str, Path(max_length=64)]


async def _is_admin(auth: CurrentAuth, principal: SignedIn) -> bool:
    """At this very moment, as auth.dependencies.Admin asks it."""
    user = await auth.accounts.get(principal.user_id)
    return user.role is Role.ADMIN


IsAdmin = Annotated[bool, Depends(_is_admin)]


@router.get("")
async def list_prompts(principal: SignedIn, prompts: Prompts) -> PromptList:
    """One's own and everyone's, by name."""
    return await prompts.all(principal.user_id)


@router.post("", status_code=201)
async def create_prompt(principal: SignedIn, prompts: Prompts, admin: IsAdmin, wanted: PromptIn) -> PromptOut:
    """Variables are names in braces. Prompts for everyone are made by administrators."""
    return await prompts.create(principal.user_id, wanted, admin=admin)


@router.patch("/{prompt_id}")
async def change_prompt(
    principal: SignedIn, prompts: Prompts, admin: IsAdmin, prompt_id: PromptId, wanted: PromptPatch
) -> PromptOut:
    """Another name, description or template."""
    return await prompts.change(principal.user_id, prompt_id, wanted, admin=admin)


@router.delete("/{prompt_id}", status_code=204)
async def delete_prompt(principal: SignedIn, prompts: Prompts, admin: IsAdmin, prompt_id: PromptId) -> None:
    """For good."""
    await prompts.delete(principal.user_id, prompt_id, admin=admin)


@router.post("/{prompt_id}/render")
async def render_prompt(
    principal: SignedIn, prompts: Prompts, prompt_id: PromptId, wanted: RenderIn
) -> RenderOut:
    """The template with its variables replaced."""
    return await prompts.render(principal.user_id, prompt_id, wanted)
