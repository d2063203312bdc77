"""Passkeys: add, list, remove, and who signed a challenge."""

from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from auth.accounts.tables import UserRow
from auth.audit.service import AuditLog
from auth.audit.tables import Outcome
from auth.mail.letters import Kind
from auth.mail.post import Post
from auth.mfa.repository import FactorRepository
from auth.passkeys.challenges import Act, PasskeyChallenges
from auth.passkeys.repository import PasskeyRepository, PasskeyRow
from auth.visitor import Visitor
from core.clock import Clock
from core.errors import Conflict, NotFound, WrongPasskey
from core.ids import is_id

NAME: Final = "Headrace"
# What the library may stumble over in what a stranger sends.
_UNREADABLE: Final = (WebAuthnException, ValueError, KeyError, TypeError, IndexError, AttributeError)


class Passkeys:
    """What can be done with passkeys.

    A passkey is bound to our own address: the host is the relying party, and answers from pages of any other
    origin are refused. User verification (a finger, a face, a PIN) is always asked for, so that a passkey is
    two factors by itself.

    Args:
        public_url: our own address.
    """

    def __init__(
        self,
        repository: PasskeyRepository,
        challenges: PasskeyChallenges,
        factors: FactorRepository,
        post: Post,
        audit: AuditLog,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._repository = repository
        self._challenges = challenges
        self._factors = factors
        self._post = post
        self._audit = audit
        self._clock = clock
        parts = urlsplit(public_url)
        self._host = parts.hostname or "localhost"
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def of_user(self, user_id: str) -> list[PasskeyRow]:
        """A person's passkeys, oldest first."""
        return await self._repository.of_user(user_id)

    async def begin_to_add(self, user: UserRow) -> dict[str, Any]:
        """What `navigator.credentials.create` needs."""
        known = await self._repository.of_user(user.id)
        options = generate_registration_options(
            rp_id=self._host,
            rp_name=NAME,
            user_id=user.id.encode(),
            user_name=user.email,
            user_display_name=user.name,
            challenge=await self._challenges.make(Act.ADD, user.id),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=_descriptors(known),
        )
        return _plain(options_to_json(options))

    async def add(self, user: UserRow, name: str, answer: dict[str, Any], visitor: Visitor) -> PasskeyRow:
        """Keep a new passkey. Raises WrongPasskey, Conflict."""
        challenge = await self._challenges.take(Act.ADD, _client_data(answer))
        if challenge.user_id != user.id:
            raise WrongPasskey
        try:
            found = verify_registration_response(
                credential=answer,
                expected_challenge=challenge.value,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                require_user_verification=True,
            )
        except _UNREADABLE as error:
            raise WrongPasskey from error
        row = await self._repository.add(
            user.id,
            credential_id=found.credential_id,
            public_key=found.credential_public_key,
            sign_count=found.sign_count,
            name=name,
            backed_up=found.credential_backed_up,
            now=self._clock.now(),
        )
        if row is None:
            raise Conflict("This passkey is known already, or you have as many as there may be.")
        await self._audit.record("passkey.added", visitor, actor=user.id, target=row.id)
        await self._post.order(Kind.PASSKEY_ADDED, user.email, user_id=user.id)
        return row

    async def remove(self, user: UserRow, passkey_id: str, visitor: Visitor) -> None:
        """Forget a passkey. Raises NotFound, also for another person's, and Conflict where a password is left
        that is too short to be all there is."""
        if not user.password_long and await self._is_last_factor(user.id):
            raise Conflict("Your password is too short to be all there is. Set a longer one first.")
        if not is_id("psk", passkey_id) or not await self._repository.remove(user.id, passkey_id):
            raise NotFound
        await self._audit.record("passkey.removed", visitor, actor=user.id, target=passkey_id)
        await self._post.order(Kind.PASSKEY_REMOVED, user.email, user_id=user.id)

    async def _is_last_factor(self, user_id: str) -> bool:
        summary = await self._factors.summary(user_id)
        return summary.totp_since is None and summary.passkeys <= 1

    async def ask(self, act: Act, user_id: str | None) -> dict[str, Any]:
        """What `navigator.credentials.get` needs. Without `user_id` the device says whose passkey it is."""
        known = await self._repository.of_user(user_id) if user_id else []
        options = generate_authentication_options(
            rp_id=self._host,
            challenge=await self._challenges.make(act, user_id),
            allow_credentials=_descriptors(known),
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return _plain(options_to_json(options))

    async def check(self, act: Act, answer: dict[str, Any], visitor: Visitor) -> str:
        """Whose passkey has signed the challenge of this act: the person's id. Raises WrongPasskey."""
        challenge = await self._challenges.take(act, _client_data(answer))
        row = await self._find(answer)
        if row is None or challenge.user_id not in (None, row.user_id):
            await self._refused(visitor, None)
            raise WrongPasskey
        try:
            found = verify_authentication_response(
                credential=answer,
                expected_challenge=challenge.value,
                expected_rp_id=self._host,
                expected_origin=self._origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=row.sign_count,
                require_user_verification=True,
            )
        except _UNREADABLE as error:
            await self._refused(visitor, row)
            raise WrongPasskey from error
        now = self._clock.now()
        if not await self._repository.used(
            row.id, before=row.sign_count, sign_count=found.new_sign_count, now=now
        ):
            await self._refused(visitor, row)
            raise WrongPasskey
        return row.user_id

    async def _find(self, answer: dict[str, Any]) -> PasskeyRow | None:
        try:
            return await self._repository.find(base64url_to_bytes(answer["rawId"]))
        except _UNREADABLE:
            return None

    async def _refused(self, visitor: Visitor, row: PasskeyRow | None) -> None:
        await self._audit.record(
            "passkey.tried",
            visitor,
            actor=row.user_id if row else None,
            target=row.id if row else None,
            outcome=Outcome.REFUSED,
        )


def _client_data(answer: dict[str, Any]) -> str:
    try:
        return str(answer["response"]["clientDataJSON"])
    except (KeyError, TypeError) as error:
        raise WrongPasskey from error


def _descriptors(rows: Sequence[PasskeyRow]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=row.credential_id) for row in rows]


def _plain(text: str) -> dict[str, Any]:
    options: dict[str, Any] = orjson.loads(text)
    return options
