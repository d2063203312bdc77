"""What `/v1` takes, for programs that make up requests: the routes themselves describe no body."""

from typing import Any

TEXT = {"type": "string"}
MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"enum": ["system", "user", "assistant", "tool", "developer"]},
        "content": {
            "anyOf": [TEXT, {"type": "null"}, {"type": "array", "items": {"type": "object"}, "maxItems": 3}]
        },
        "name": TEXT,
        "tool_calls": {"type": "array", "items": {"type": "object"}, "maxItems": 2},
    },
    "required": ["role"],
}
COMMON = {
    "model": {"enum": ["simulated", "no-such-model", ""]},
    "stream": {"type": "boolean"},
    "stream_options": {"anyOf": [{"type": "null"}, {"type": "object"}]},
    "max_tokens": {"anyOf": [{"type": "null"}, {"type": "integer"}]},
    "n": {"type": "integer"},
    "temperature": {"type": "number"},
    "stop": {"anyOf": [TEXT, {"type": "array", "items": TEXT}]},
    "response_format": {"type": "object"},
    "logprobs": {"anyOf": [{"type": "boolean"}, {"type": "integer"}]},
    "user": TEXT,
}


def _post(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required}
    content = {"application/json": {"schema": schema}}
    return {
        "post": {"requestBody": {"content": content}, "responses": {"200": {"description": "An answer."}}}
    }


DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "OpenAI's", "version": "1"},
    "paths": {
        "/v1/chat/completions": _post(
            {**COMMON, "messages": {"type": "array", "items": MESSAGE, "maxItems": 4}}, ["model", "messages"]
        ),
        "/v1/completions": _post(
            {**COMMON, "prompt": {"anyOf": [TEXT, {"type": "array"}]}}, ["model", "prompt"]
        ),
        "/v1/models": {"get": {"responses": {"200": {"description": "A list."}}}},
        "/v1/models/{model}": {
            "get": {
                "parameters": [{"name": "model", "in": "path", "required": True, "schema": TEXT}],
                "responses": {"200": {"description": "A model."}},
            }
        },
    },
}
