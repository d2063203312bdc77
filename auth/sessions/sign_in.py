"""The ways in: a password, then a second factor where there is one, and once more before dangerous acts."""

from dataclasses import dataclass
from typing import Any

from auth.accounts.service import Accounts
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.audit.tables import Outcome
from auth.limits.sign_in import SignInLimits
from auth.mfa.challenges import LIFETIME_SECONDS, Challenges
from auth.mfa.repository import FactorSummary
from auth.mfa.service import SecondFactors
from auth.passkeys.challenges import Act
from auth.passkeys.service import Passkeys
from auth.principal import Principal
from auth.sessions.service import Grant, Sessions
from auth.visitor import Visitor
from core.errors import Forbidden, Invalid, Unauthenticated, WrongCredentials, WrongPasskey


@dataclass(frozen=True, slots=True)
class SecondStep:
    """The password was right, and a second factor is to be shown. `token` opens nothing but that step;
    `methods`: `code` (of an app, or for recovery) and `passkey`."""

    token: str
    methods: tuple[str, ...]
    expires_in: int = LIFETIME_SECONDS


class SignIn:
    """Proves who somebody is, and opens their session."""

    def __init__(
        self,
        accounts: Accounts,
        sessions: Sessions,
        factors: SecondFactors,
        challenges: Challenges,
        passkeys: Passkeys,
        limits: SignInLimits,
        audit: AuditLog,
    ) -> None:
        self._accounts = accounts
        self._sessions = sessions
        self._factors = factors
        self._challenges = challenges
        self._passkeys = passkeys
        self._limits = limits
        self._audit = audit

    async def with_password(self, email: str, password: str, visitor: Visitor) -> Grant | SecondStep:
        """Begin a session, or the second step of it.

        Raises: WrongCredentials, RateLimited, Overloaded, Unavailable (also when tries cannot be counted).
        """
        await self._limits.admit_login(visitor.address, email)
        user = await self._accounts.prove(email, password)
        if user is None:
            await self._audit.record("login", visitor, outcome=Outcome.REFUSED)
            raise WrongCredentials
        await self._limits.note_login(visitor.address, email)
        return await self._open_or_ask(user, visitor)

    async def ask_for_passkey(self, visitor: Visitor) -> dict[str, Any]:
        """What a browser needs to sign in with a passkey alone: the device says whose it is.

        Raises RateLimited, Unavailable.
        """
        await self._limits.admit_beginning(visitor.address)
        return await self._passkeys.ask(Act.SIGN_IN, None)

    async def with_passkey(self, answer: dict[str, Any], visitor: Visitor) -> Grant:
        """Begin a session with a passkey alone, which is two factors by itself.

        Raises: WrongPasskey, Unauthenticated for a disabled account, RateLimited, Unavailable.
        """
        await self._limits.admit_address(visitor.address)
        user = await self._accounts.get(await self._passkeys.check(Act.SIGN_IN, answer, visitor))
        return await self._open(user, visitor, second_factor=True)

    async def with_identity(self, user: UserRow, visitor: Visitor) -> Grant | SecondStep:
        """Begin a session for whom an identity provider has vouched, or the second step of it: what is asked
        behind a password is asked here too."""
        return await self._open_or_ask(user, visitor)

    async def ask_for_second_passkey(self, token: str, visitor: Visitor) -> dict[str, Any]:
        """What a browser needs to take the second step with a passkey. Raises Unauthenticated, RateLimited,
        Unavailable."""
        await self._limits.admit_beginning(visitor.address)
        return await self._passkeys.ask(Act.SECOND_STEP, await self._challenges.who(token))

    async def with_second_passkey(self, token: str, answer: dict[str, Any], visitor: Visitor) -> Grant:
        """Begin the session whose password was shown before. Raises WrongPasskey, Unauthenticated."""
        user = await self._accounts.get(await self._challenges.who(token))
        if await self._passkeys.check(Act.SECOND_STEP, answer, visitor) != user.id:
            raise WrongPasskey
        return await self._end_second_step(token, user, visitor)

    async def ask_for_passkey_again(self, principal: Principal) -> dict[str, Any]:
        """What a browser needs to prove anew who one is."""
        return await self._passkeys.ask(Act.STEP_UP, principal.user_id)

    async def with_second_factor(self, token: str, code: str, visitor: Visitor) -> Grant:
        """Begin the session whose password was shown before.

        Raises: WrongCode, Unauthenticated where the first step is too long ago, RateLimited, Unavailable.
        """
        user = await self._accounts.get(await self._challenges.who(token))
        await self._factors.check(user, code, visitor)
        return await self._end_second_step(token, user, visitor)

    async def again(
        self,
        principal: Principal,
        *,
        password: str | None,
        code: str | None,
        passkey: dict[str, Any] | None,
        visitor: Visitor,
    ) -> Grant:
        """Prove anew who one is: another session, which is fresh, takes the place of this one.

        Whoever has a second factor shows that, everybody else the password. Raises WrongCredentials,
        WrongCode, Invalid, Forbidden for an API key, RateLimited, Unavailable.
        """
        if principal.session_id is None:
            raise Forbidden
        user = await self._accounts.get(principal.user_id)
        has_factor = (await self._factors.summary(user.id)).any
        if passkey is not None:
            if await self._passkeys.check(Act.STEP_UP, passkey, visitor) != user.id:
                raise WrongPasskey
        elif has_factor:
            if code is None:
                message = "Enter a code of your authenticator app, or use a passkey."
                raise Invalid(message, fields=[("code", message)])
            await self._factors.check(user, code, visitor)
        else:
            if password is None:
                raise Invalid("Enter your password.", fields=[("password", "Enter your password.")])
            await self.check_password(user, password, visitor)
        grant = await self._sessions.open(user, visitor, second_factor=has_factor or passkey is not None)
        await self._sessions.end(principal.session_id, "stepped_up")
        await self._audit.record("login.again", visitor, actor=user.id, target=user.id)
        return grant

    async def check_password(self, user: UserRow, password: str, visitor: Visitor) -> None:
        """Whether it is this person's. Guesses count as those at the door. Raises WrongCredentials,
        RateLimited, Overloaded, Unavailable."""
        await self._limits.admit_login(visitor.address, user.email)
        if await self._accounts.prove(user.email, password) is None:
            await self._audit.record(
                "password.tried", visitor, actor=user.id, target=user.id, outcome=Outcome.REFUSED
            )
            raise WrongCredentials("The password is not right.", fields=[("password", "This is not right.")])
        await self._limits.note_login(visitor.address, user.email)

    async def _open_or_ask(self, user: UserRow, visitor: Visitor) -> Grant | SecondStep:
        """The first step is done: the session, or what the second step needs."""
        summary = await self._factors.summary(user.id)
        if summary.any:
            return SecondStep(await self._challenges.begin(user.id), _methods(summary))
        return await self._open(user, visitor, second_factor=False)

    async def _end_second_step(self, token: str, user: UserRow, visitor: Visitor) -> Grant:
        if not await self._challenges.end(token):
            raise Unauthenticated("This sign-in was finished already. Begin again with your password.")
        return await self._open(user, visitor, second_factor=True)

    async def _open(self, user: UserRow, visitor: Visitor, *, second_factor: bool) -> Grant:
        grant = await self._sessions.open(user, visitor, second_factor=second_factor)
        detail = {"second_factor": second_factor}
        await self._audit.record("login", visitor, actor=user.id, target=user.id, detail=detail)
        return grant


def _methods(summary: FactorSummary) -> tuple[str, ...]:
    found = []
    if summary.totp_since is not None or summary.recovery_codes_left:
        found.append("code")
    if summary.passkeys:
        found.append("passkey")
    return tuple(found)
