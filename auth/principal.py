"""Who is calling."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.errors import ModelNotFound


class Role(StrEnum):
    """What kind of account it is."""

    USER = "user"
    OPERATOR = "operator"
    """Models, jobs and usage of everybody."""
    ADMIN = "admin"
    """All of that, and people."""

    def includes(self, other: "Role") -> bool:
        """Whether this role has all rights of the other."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class Scope(StrEnum):
    """What a credential opens."""

    ACCOUNT = "account"
    """Everything of one's own under /api."""

    CHAT = "chat"
    """Asking a model in the page."""

    INFERENCE = "inference"
    """Asking a model through /v1."""

    USAGE = "usage"
    """Reading what was used."""


# What a person may give to an API key.
KEY_SCOPES = frozenset({Scope.INFERENCE, Scope.USAGE})


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, known by a session or by an API key; exactly one of the two ids is set.

    `role` is for display and at most a few seconds old. A permission that rests on it is checked against
    the database at each request (auth.dependencies.Admin).
    """

    user_id: str
    email: str
    name: str
    role: Role
    session_id: str | None
    key_id: str | None
    scopes: frozenset[Scope]
    authenticated_at: datetime | None = None
    """When the person of a session last proved who they are; None for a key."""
    second_factor: bool = False
    """Whether a second factor was part of that."""
    models: frozenset[str] | None = None
    """Names of the models that may be asked, by the person's group and by this key; None for all of them."""
    budgeted: bool = False
    """Whether a budget of tokens, the person's, their group's or this key's, has to be asked before each
    request."""
    requests_per_minute: int | None = None
    """How many requests this key may make; None: no bound but the person's."""
    group_id: str | None = None
    """The group the person is in."""


def may_ask(principal: Principal, model: str) -> bool:
    """Whether this credential may ask the model of this name."""
    return principal.models is None or model in principal.models


def require_may_ask(principal: Principal, model: str) -> None:
    """Raises core.errors.ModelNotFound for a model that is not for this credential."""
    if not may_ask(principal, model):
        whose = "API key" if principal.key_id else "account"
        raise ModelNotFound(f"This {whose} may not ask this model. See the list of models.", param="model")


def both(one: frozenset[str] | None, other: frozenset[str] | None) -> frozenset[str] | None:
    """The models that two bounds leave; None is no bound."""
    if one is None or other is None:
        return other if one is None else one
    return one & other


def granted(asked: frozenset[Scope], *, may_ask_models: bool) -> frozenset[Scope]:
    """The scopes of a credential that asks for `asked`; who may not ask models yet keeps the rest."""
    return asked if may_ask_models else asked - {Scope.CHAT, Scope.INFERENCE}
