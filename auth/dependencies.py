"""Permission as a parameter type: an endpoint that names one of these is only reached by those who have it.

@router.get("/conversations")
async def list_conversations(principal: SignedIn, ...): ...
"""

from typing import Annotated, cast

from fastapi import Depends
from fastapi.params import Depends as Dependency
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from auth.audit.tables import Outcome
from auth.client_address import client_address
from auth.origin import SAFE_METHODS
from auth.principal import Principal, Role, Scope
from auth.sessions.cookies import ACCESS_COOKIE
from auth.visitor import Visitor
from auth.wiring import Auth
from core.errors import (
    CrossSiteRequest,
    Forbidden,
    HeadraceError,
    SecondFactorRequired,
    StepUpRequired,
    Unauthenticated,
)

# Where the gateway finds, in a request's scope, what is left of the limit of requests.
ALLOWANCE = "headrace.allowance"
LONGEST_USER_AGENT = 200
LONGEST_PATH = 200
_FOR = {Role.OPERATOR: "This is for operators.", Role.ADMIN: "This is for administrators."}


def auth_of(connection: HTTPConnection) -> Auth:
    """The services of this process; the gateway puts them into `app.state.auth`."""
    return cast(Auth, connection.app.state.auth)


# Coroutines, though they do not wait: the framework sends a plain function to another thread and back.
async def current_auth(connection: HTTPConnection) -> Auth:
    """See `auth_of`."""
    return auth_of(connection)


async def current_address(connection: HTTPConnection) -> str:
    """The client's address; see auth.client_address."""
    return client_address(connection.scope, auth_of(connection).trusted_proxies)


async def current_visitor(connection: HTTPConnection) -> Visitor:
    """See `visitor_of`."""
    return visitor_of(connection)


def visitor_of(connection: HTTPConnection) -> Visitor:
    """Where the request comes from, for the list of sessions and the audit log."""
    agent = connection.headers.get("user-agent", "")
    harmless = "".join(character for character in agent if character.isprintable())
    return Visitor(
        client_address(connection.scope, auth_of(connection).trusted_proxies),
        harmless[:LONGEST_USER_AGENT] or None,
        connection.scope.get("headrace.request_id"),
    )


async def from_own_page(connection: HTTPConnection) -> None:
    """For the endpoints that hand out or end sessions: no other site's page may call them.

    Raises CrossSiteRequest or UnsupportedMediaType.
    """
    auth = auth_of(connection)
    if auth.origin.is_foreign(connection):
        raise CrossSiteRequest
    auth.origin.admit_body(connection)


def bearer_token(connection: HTTPConnection) -> str | None:
    """The credential of the Authorization header, or None without one. Raises Unauthenticated for a header
    that is there and holds something else."""
    # As they came: the framework's view of the headers is made anew for each question, and this is asked for
    # every request.
    values = [value for name, value in connection.scope["headers"] if name == b"authorization"]
    if not values:
        return None
    scheme, _, token = values[0].partition(b" ")
    if len(values) > 1 or scheme.lower() != b"bearer" or not token:
        raise Unauthenticated
    return str(token, "latin-1")


async def authenticated(connection: HTTPConnection) -> Principal:
    """Who sent this. An Authorization header decides where there is one: a bad one is refused, whatever
    cookies come with it. Raises Unauthenticated, CrossSiteRequest, Unavailable."""
    auth = auth_of(connection)
    token = bearer_token(connection)
    if token is not None:
        return await auth.authenticate(token)
    cookie = connection.cookies.get(ACCESS_COOKIE)
    if cookie is None:
        raise Unauthenticated
    # A browser adds the cookie to whatever any page sends, so changes need proof that the page was ours.
    if connection.scope.get("method") not in SAFE_METHODS:
        auth.origin.admit(connection)
        auth.origin.admit_body(connection)
    return await auth.sessions.authenticate(cookie)


async def signed_in(connection: HTTPConnection) -> Principal:
    """A person with a session, within the limit of requests."""
    principal = await authenticated(connection)
    if Scope.ACCOUNT not in principal.scopes:
        raise Forbidden("An API key does not open this. Sign in instead.")
    await _count_request(connection, principal)
    return principal


async def _count_request(connection: HTTPConnection, principal: Principal) -> None:
    """Raises RateLimited. The answer's headers tell what is left: see gateway.envelope."""
    allowance = await auth_of(connection).request_limits.take_for(principal, "api")
    connection.scope[ALLOWANCE] = allowance


async def usage_reader(connection: HTTPConnection) -> Principal:
    """A person with a session, or an API key with the scope `usage`, within the limit of requests."""
    principal = await authenticated(connection)
    if Scope.USAGE not in principal.scopes:
        raise Forbidden("This API key does not have the scope `usage`.")
    await _count_request(connection, principal)
    return principal


async def freshly_signed_in(
    connection: HTTPConnection, principal: Annotated[Principal, Depends(signed_in)]
) -> Principal:
    """A person who has proved who they are a moment ago: for what a stolen session must not do."""
    if not auth_of(connection).is_fresh(principal):
        raise StepUpRequired
    return principal


async def operator(
    connection: HTTPConnection, principal: Annotated[Principal, Depends(signed_in)]
) -> Principal:
    """Somebody who looks after models, jobs and usage, at this very moment."""
    return await _with_role(connection, principal, Role.OPERATOR)


async def admin(connection: HTTPConnection, principal: Annotated[Principal, Depends(signed_in)]) -> Principal:
    """An administrator at this very moment."""
    return await _with_role(connection, principal, Role.ADMIN)


async def fresh_admin(
    connection: HTTPConnection, principal: Annotated[Principal, Depends(admin)]
) -> Principal:
    """An administrator who has proved who they are a moment ago."""
    return await freshly_signed_in(connection, principal)


async def _with_role(connection: HTTPConnection, principal: Principal, needed: Role) -> Principal:
    """The role is read from the database. Where it asks for a second factor, the session was opened with one.
    Refusals are recorded. Raises Forbidden, SecondFactorRequired."""
    auth = auth_of(connection)
    user = await auth.accounts.get(principal.user_id)
    refusal: HeadraceError | None = None
    if not user.role.includes(needed):
        refusal = Forbidden(_FOR[needed])
    elif auth.needs_second_factor(user.role) and not principal.second_factor:
        refusal = SecondFactorRequired()
    if refusal is not None:
        await auth.audit.record(
            f"{needed}.tried",
            visitor_of(connection),
            actor=principal.user_id,
            target=connection.scope["path"][:LONGEST_PATH],
            outcome=Outcome.REFUSED,
        )
        raise refusal
    return principal


async def may_chat(principal: Annotated[Principal, Depends(signed_in)]) -> Principal:
    """A person who may ask models in the page."""
    if Scope.CHAT not in principal.scopes:
        raise Forbidden("Verify your email address before you chat.")
    return principal


async def api_caller(connection: HTTPConnection) -> Principal:
    """Somebody who may use /v1: an API key with the scope, or an access token. Cookies count for nothing
    here. Limits are left to the endpoint, which shows them in headers."""
    token = bearer_token(connection)
    if token is None:
        raise Unauthenticated
    return require_inference(await auth_of(connection).authenticate(token))


def require_inference(principal: Principal) -> Principal:
    """The principal, if it may use /v1. Raises Forbidden."""
    if Scope.INFERENCE not in principal.scopes:
        raise Forbidden(
            "This API key does not have the scope `inference`."
            if principal.key_id
            else "Verify your email address before you use models."
        )
    return principal


async def authenticate_websocket(websocket: WebSocket) -> Principal:
    """Who opens this socket, by ticket, Authorization header or cookie; call it before `accept`.

    A socket that a foreign page opens is refused, whatever it carries, and a cookie counts only where the
    browser says that the page is ours. Raises Unauthenticated, CrossSiteRequest, Unavailable.
    """
    auth = auth_of(websocket)
    if auth.origin.is_foreign(websocket):
        raise CrossSiteRequest
    tickets = websocket.query_params.getlist("ticket")
    if tickets:
        if len(tickets) > 1:
            raise Unauthenticated
        return await auth.redeem_ticket(tickets[0])
    token = bearer_token(websocket)
    if token is None:
        auth.origin.admit(websocket)
        token = websocket.cookies.get(ACCESS_COOKIE)
    if token is None:
        raise Unauthenticated
    principal = await auth.sessions.authenticate(token)
    await auth.request_limits.take_for(principal, "api")
    return principal


CurrentAuth = Annotated[Auth, Depends(current_auth)]
ClientAddress = Annotated[str, Depends(current_address)]
CurrentVisitor = Annotated[Visitor, Depends(current_visitor)]
SignedIn = Annotated[Principal, Depends(signed_in)]
UsageReader = Annotated[Principal, Depends(usage_reader)]
Fresh = Annotated[Principal, Depends(freshly_signed_in)]
Operator = Annotated[Principal, Depends(operator)]
Admin = Annotated[Principal, Depends(admin)]
FreshAdmin = Annotated[Principal, Depends(fresh_admin)]
MayChat = Annotated[Principal, Depends(may_chat)]
ApiCaller = Annotated[Principal, Depends(api_caller)]
FromOwnPage: Dependency = Depends(from_own_page)
