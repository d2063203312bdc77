"""The OpenAI surface with a key, as in its own tests."""

from tests.gateway.openai_api.conftest import api

__all__ = ["api"]
