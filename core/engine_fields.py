"""Fields of our own in the gateway's requests to an engine, which both sides must call the same."""

from typing import Final

# In vLLM's extra arguments: how many tokens at the prompt's end are already part of the answer.
RESUMED_TOKENS: Final = "headrace_resumed_tokens"
