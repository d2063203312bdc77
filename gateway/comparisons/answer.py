"""One revision's answer to one prompt, streamed as `/v1` streams it."""

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from auth.principal import Principal
from gateway.comparisons.schemas import Question
from gateway.openai_api.body import ChatHead
from gateway.openai_api.relay import PIN, CompletionRelay

# As the engines call them.
_PARAMETERS = {"temperature", "top_p", "max_tokens", "seed", "stop", "response_format"}


class RevisionAnswer(Response):
    """Asks when it is sent. What goes wrong before the first token is raised, as everywhere in `/api`."""

    media_type = "text/event-stream"

    def __init__(
        self,
        relay: CompletionRelay[ChatHead],
        principal: Principal,
        name: str,
        revision: str,
        question: Question,
    ) -> None:
        super().__init__()
        self._relay = relay
        self._principal = principal
        self._body = _body(f"{name}{PIN}{revision}", question)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._relay.answer(self._principal, self._body, scope, receive, send)


def _body(model: str, question: Question) -> bytes:
    system = [{"role": "system", "content": question.system_prompt}] if question.system_prompt else []
    return orjson.dumps(
        {
            **question.model_dump(include=_PARAMETERS, exclude_none=True, mode="json"),
            "model": model,
            "messages": [*system, {"role": "user", "content": question.prompt}],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )
