"""How many tokens a prompt has, asked of the engine that will read it."""

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from core.errors import EngineFailed
from gateway.inference.protocol import Inference, Target

MAX_ANSWER_BYTES = 4 * 1024 * 1024


class _Count(msgspec.Struct):
    count: int


async def count_prompt_tokens(
    inference: Inference,
    target: Target,
    prompt: Sequence[Mapping[str, object]] | str,
    *,
    request_id: str,
    traceparent: str,
) -> int:
    """Tokens of chat messages, the model's chat template included, or of a plain prompt.

    Raises: what `Inference.send` raises; core.errors.EngineFailed when the engine does not say.
    """
    body: dict[str, object] = {"model": target.model}
    if isinstance(prompt, str):
        body["prompt"] = prompt
    else:
        body["messages"] = prompt
        body["add_generation_prompt"] = True
    response = await inference.send(
        target, "/tokenize", orjson.dumps(body), request_id=request_id, traceparent=traceparent
    )
    try:
        answer = await response.read(MAX_ANSWER_BYTES)
        if response.status != 200:
            raise EngineFailed("The model could not count the tokens of this text.")
        return msgspec.json.decode(answer, type=_Count).count
    except msgspec.DecodeError as error:
        raise EngineFailed("The model could not count the tokens of this text.") from error
    finally:
        await response.close()
