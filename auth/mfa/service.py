"""Second factors: set one up, use it, take it away."""

import io
import re
from dataclasses import dataclass
from typing import Final

import segno

from auth.accounts.service import Accounts
from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.audit.tables import Outcome
from auth.limits.sign_in import SignInLimits
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.mfa import recovery_codes, totp
from auth.mfa.repository import FactorRepository, FactorSummary
from auth.revocation import Announcer
from auth.revocation import Kind as Revoked
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import Conflict, NotFound, WrongCode

ISSUER: Final = "Headrace"
_SIX_DIGITS: Final = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs: the secret to type, or the picture to photograph (an SVG)."""

    secret: str
    uri: str
    picture: str


class SecondFactors:
    """What can be done with second factors."""

    def __init__(
        self,
        repository: FactorRepository,
        accounts: Accounts,
        limits: SignInLimits,
        post: Post,
        audit: AuditLog,
        announcer: Announcer,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._accounts = accounts
        self._limits = limits
        self._post = post
        self._audit = audit
        self._announcer = announcer
        self._clock = clock

    async def summary(self, user_id: str) -> FactorSummary:
        """What this person has."""
        return await self._repository.summary(user_id)

    async def begin(self, user: UserRow) -> Enrolment:
        """A secret for an authenticator app; it is in force when a code of it was shown to `confirm`.

        Raises Conflict where an app is in force.
        """
        secret = totp.new_secret()
        if not await self._repository.begin_totp(user.id, secret, self._clock.now()):
            raise Conflict("You have an authenticator app already. Remove it before you set up another.")
        uri = totp.uri(secret, account=user.email, issuer=ISSUER)
        return Enrolment(secret, uri, _picture(uri))

    async def confirm(self, user: UserRow, code: str, visitor: Visitor) -> list[str]:
        """Put the app in force that was begun; the recovery codes, which are shown this once.

        Raises WrongCode, Conflict, NotFound where none was begun, RateLimited.
        """
        row = await self._repository.totp(user.id)
        if row is None:
            raise NotFound("Begin to set up an authenticator app first.")
        if row.confirmed:
            raise Conflict("This authenticator app is set up already.")
        await self._limits.admit_code(user.id)
        now = self._clock.now()
        step = totp.step_of(row.secret, _plain(code), now, after=row.last_step)
        if step is None:
            raise WrongCode
        codes = recovery_codes.new_codes()
        digests = [recovery_codes.digest(one) for one in codes]
        if not await self._repository.confirm_totp(user.id, row.secret, step, digests, now):
            raise Conflict
        await self._changed(user, "second_factor.added", Kind.SECOND_FACTOR_ADDED, visitor)
        return codes

    async def new_recovery_codes(self, user: UserRow, visitor: Visitor) -> list[str]:
        """Fresh recovery codes in place of all earlier ones. Raises NotFound without a second factor."""
        if not (await self._repository.summary(user.id)).any:
            raise NotFound("Recovery codes come with a second factor. Set one up first.")
        codes = recovery_codes.new_codes()
        digests = [recovery_codes.digest(one) for one in codes]
        await self._repository.replace_codes(user.id, digests, self._clock.now())
        await self._audit.record("recovery_codes.replaced", visitor, actor=user.id, target=user.id)
        return codes

    async def remove(self, user: UserRow, visitor: Visitor) -> None:
        """Take the app away. Raises NotFound, and Conflict where the password alone would be too short."""
        if not user.password_long and (await self._repository.summary(user.id)).passkeys == 0:
            raise Conflict("Your password is too short to be all there is. Set a longer one first.")
        if not await self._repository.remove_totp(user.id):
            raise NotFound("There is no authenticator app to remove.")
        await self._changed(user, "second_factor.removed", Kind.SECOND_FACTOR_REMOVED, visitor)

    async def check(self, user: UserRow, code: str, visitor: Visitor) -> None:
        """Take a code of the app, or a recovery code: either works once.

        Guesses are counted for the account, from wherever they come. Raises WrongCode, RateLimited, and
        Unavailable where they cannot be counted.
        """
        await self._limits.admit_code(user.id)
        if not await self._fits(user, code, visitor):
            await self._audit.record(
                "second_factor.tried", visitor, actor=user.id, target=user.id, outcome=Outcome.REFUSED
            )
            raise WrongCode
        await self._limits.forget_codes(user.id)

    async def _fits(self, user: UserRow, code: str, visitor: Visitor) -> bool:
        plain = _plain(code)
        if _SIX_DIGITS.fullmatch(plain):
            row = await self._repository.totp(user.id)
            if row is None or not row.confirmed:
                return False
            step = totp.step_of(row.secret, plain, self._clock.now(), after=row.last_step)
            return step is not None and await self._repository.use_step(user.id, row.secret, step)
        if not await self._repository.use_recovery_code(user.id, recovery_codes.digest(code)):
            return False
        await self._post.order(Kind.RECOVERY_CODE_USED, user.email, user_id=user.id)
        await self._audit.record("recovery_code.used", visitor, actor=user.id, target=user.id)
        return True

    async def _changed(self, user: UserRow, action: str, mail: Kind, visitor: Visitor) -> None:
        await self._audit.record(action, visitor, actor=user.id, target=user.id)
        await self._post.order(mail, user.email, user_id=user.id)
        await self._announcer.announce(Revoked.USER, user.id)


def _plain(code: str) -> str:
    return "".join(code.split())


def _picture(uri: str) -> str:
    """A QR code as an SVG document."""
    out = io.BytesIO()
    code = segno.make(uri, error="m")
    code.save(out, kind="svg", scale=4, border=4, dark="#000", light="#fff", xmldecl=False)
    return out.getvalue().decode()
