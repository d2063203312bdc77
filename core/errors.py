"""The one base of every error that a caller may see. Raise deep; the gateway renders once."""

from collections.abc import Mapping, Sequence
from typing import ClassVar


class HeadraceError(Exception):
    """Something went wrong in a way we can explain.

    Attributes:
        status: HTTP status it is rendered with.
        code: stable snake_case name, documented in docs/errors.md.
        retry: whether the same request may succeed later.
        detail: one sentence a person can act on.
        retry_after: seconds to wait before a retry, where that is known.
        fields: what is wrong with which input field, as (field, message) pairs.
        param: the field an OpenAI client should look at.
        extras: more members of the problem, for programs.
    """

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong"
    retry: ClassVar[bool] = False
    default_detail: ClassVar[str] = "Something went wrong on our side. Try again in a moment."

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after: float | None = None,
        fields: Sequence[tuple[str, str]] = (),
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        extras: Mapping[str, object] | None = None,
    ) -> None:
        self.detail = detail or self.default_detail
        self.retry_after = retry_after
        self.fields = tuple(fields)
        self.param = param
        self.headers = dict(headers or {})
        self.extras = dict(extras or {})
        super().__init__(self.detail)


class Unauthenticated(HeadraceError):
    status = 401
    code = "unauthenticated"
    title = "Not signed in"
    default_detail = "Sign in, or send a valid API key, and try again."


class WrongCredentials(HeadraceError):
    status = 401
    code = "wrong_credentials"
    title = "Sign-in refused"
    default_detail = "The email address or the password is not right."


class WrongCode(HeadraceError):
    status = 401
    code = "wrong_code"
    title = "Code refused"
    default_detail = "This code is not right, was used already, or is too old. Enter the newest one."


class WrongPasskey(HeadraceError):
    status = 401
    code = "wrong_passkey"
    title = "Passkey refused"
    default_detail = "This passkey is not one of yours here, or its answer could not be checked. Try again."


class SignInRefused(HeadraceError):
    status = 403
    code = "sign_in_refused"
    title = "Sign-in refused"
    default_detail = "The identity provider's answer was not accepted. Try again, or sign in another way."


class ProviderFailed(HeadraceError):
    status = 502
    code = "provider_failed"
    title = "The identity provider did not answer"
    retry = True
    default_detail = "The identity provider did not answer as it should. Try again, or sign in another way."


class LinkUsed(HeadraceError):
    status = 410
    code = "link_used"
    title = "Link no longer good"
    default_detail = "This link was used, was replaced by a newer one, or is too old. Ask for another."


class StepUpRequired(HeadraceError):
    status = 403
    code = "step_up_required"
    title = "Sign in once more"
    default_detail = "This needs a fresh proof that it is you: POST /api/auth/step-up, then send it again."


class SecondFactorRequired(HeadraceError):
    status = 403
    code = "second_factor_required"
    title = "A second factor is needed"
    default_detail = "Your role asks for a second factor. Set one up, and sign in with it."


class Forbidden(HeadraceError):
    status = 403
    code = "forbidden"
    title = "Not allowed"
    default_detail = "Your account may not do this."


class BudgetExhausted(HeadraceError):
    status = 402
    code = "budget_exhausted"
    title = "The budget is used up"
    retry = True
    default_detail = (
        "This would need more tokens than the budget of this day or month has left. "
        "Ask for less, or try again after the reset; an administrator can raise the budget. "
        "The problem says limit, used and resets_at; under /v1 the status is 429."
    )


class CrossSiteRequest(HeadraceError):
    status = 403
    code = "csrf"
    title = "Request from another site"
    default_detail = "This request did not come from this site's own page."


class RegistrationClosed(HeadraceError):
    status = 403
    code = "registration_closed"
    title = "Registration is closed"
    default_detail = "New accounts cannot be made here. Ask an administrator for one."


class NotFound(HeadraceError):
    status = 404
    code = "not_found"
    title = "Not found"
    default_detail = "There is nothing here under this name."


class MethodNotAllowed(HeadraceError):
    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    default_detail = "This address does not answer to this method."


class ModelNotFound(HeadraceError):
    status = 404
    code = "model_not_found"
    title = "No such model"
    default_detail = "There is no model of this name. See the list of models."


class Conflict(HeadraceError):
    status = 409
    code = "conflict"
    title = "Conflict"
    default_detail = "Somebody changed this in the meantime. Reload and try again."


class TurnRunning(HeadraceError):
    status = 409
    code = "turn_running"
    title = "An answer is being written"
    retry = True
    default_detail = "An answer is still being written in this conversation. Wait for it or stop it."


class IdempotencyInFlight(HeadraceError):
    status = 409
    code = "idempotency_in_flight"
    title = "The same request is being worked on"
    retry = True
    default_detail = "A request with this Idempotency-Key is being worked on. Send it again in a moment."


class IdempotencyMismatch(HeadraceError):
    status = 422
    code = "idempotency_mismatch"
    title = "Another request had this key"
    default_detail = "This Idempotency-Key came with another request before. Use a new key for a new request."


class PayloadTooLarge(HeadraceError):
    status = 413
    code = "payload_too_large"
    title = "Too large"
    default_detail = "The request is larger than this server accepts."


class UnsupportedMediaType(HeadraceError):
    status = 415
    code = "unsupported_media_type"
    title = "Not JSON"
    default_detail = "Send the body as JSON, with Content-Type: application/json."


class Invalid(HeadraceError):
    status = 422
    code = "invalid"
    title = "The request is not valid"
    default_detail = "Some of what was sent cannot be used."


class WeakPassword(HeadraceError):
    status = 422
    code = "weak_password"
    title = "Choose another password"
    default_detail = "This password is too easy to guess."


class MessageTooLong(HeadraceError):
    status = 422
    code = "message_too_long"
    title = "Message too long"
    default_detail = "This message is longer than the model can read at once. Shorten it."


class RateLimited(HeadraceError):
    status = 429
    code = "rate_limited"
    title = "Too many requests"
    retry = True
    default_detail = "Too many requests in a short time. Wait a moment and try again."


class ModelNotReady(HeadraceError):
    status = 503
    code = "model_not_ready"
    title = "The model is not ready"
    retry = True
    default_detail = "The model is still starting. Try again in a moment."


class NoReplica(ModelNotReady):
    """No replica of the revision took the request: another one, or another revision, may at once."""


class ModelNotConfigured(HeadraceError):
    status = 503
    code = "model_not_configured"
    title = "The model is not configured"
    default_detail = "This model's upstream has no key on this server. Ask an administrator to set it."


class Overloaded(HeadraceError):
    status = 503
    code = "overloaded"
    title = "Busy"
    retry = True
    default_detail = "The server is busy. Try again in a moment."


class Unavailable(HeadraceError):
    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    retry = True
    default_detail = "A part of the system is not answering. Nothing was lost; try again in a moment."


class EngineFailed(HeadraceError):
    status = 502
    code = "engine_failed"
    title = "The model stopped answering"
    retry = True
    default_detail = "The model stopped answering. Your text is kept. Try again."


class EngineLost(EngineFailed):
    """The connection to the engine broke: another one, or the same later, may go on."""


class EngineTimeout(HeadraceError):
    status = 504
    code = "engine_timeout"
    title = "The model took too long"
    retry = True
    default_detail = "The model took too long to answer. Try again, or ask for less."


class SigningKeyUnusable(HeadraceError):
    status = 500
    code = "signing_key_unusable"
    title = "The signing key cannot be used"
    default_detail = "The key that signs sessions is missing or not an Ed25519 key. Ask an administrator."
