"""What an engine's answer with an error status means."""

import orjson

from core.errors import EngineFailed, EngineTimeout, HeadraceError, ModelNotReady, RateLimited
from core.log import get_logger
from gateway.inference import EngineResponse
from gateway.openai_api import errors

log = get_logger(__name__)

MAX_REFUSAL_BYTES = 256 * 1024
RETRY_AFTER_SECONDS = 5.0


async def refusal_of(response: EngineResponse) -> HeadraceError:
    """An engine's answer with an error status, as one of our errors that says the same."""
    text = await response.read(MAX_REFUSAL_BYTES)
    message, param = _said(text)
    retry_after = response.headers.get("retry-after", "")
    seconds = float(retry_after) if retry_after.isdigit() else RETRY_AFTER_SECONDS
    if response.status in (400, 413, 422):
        return errors.BadRequest(message or "The model cannot use this request.", param=param)
    if response.status == 429:
        return RateLimited("The model has too much to do. Try again in a moment.", retry_after=seconds)
    if response.status == 504:
        return EngineTimeout(message)
    if response.status in (404, 502, 503):
        # From the load balancer: no replica is there. From a route without a key: its own sentence.
        return ModelNotReady(message if response.status == 503 else None, retry_after=seconds)
    log.warning("engine.refused", status=response.status, body=text[:300].decode(errors="replace"))
    return EngineFailed()


def _said(text: bytes) -> tuple[str | None, str | None]:
    try:
        error = orjson.loads(text)["error"]
        message, param = error["message"], error.get("param")
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None, None
    return str(message)[:1000], param if isinstance(param, str) else None
