"""Fields of our own in the gateway's requests to an engine, which both sides must call the same."""

from typing import Final

# In vLLM's extra arguments: how many tokens at the prompt's end are already part of the answer.
RESUMED_TOKENS: Final = "headrace_resumed_tokens"

# Header fields: who goes first, how many tokens a request may take in all, and which requests had better meet
# the same replica, because it has read their beginning before.
PRIORITY_HEADER: Final = "x-headrace-priority"
TOKENS_HEADER: Final = "x-headrace-tokens"
AFFINITY_HEADER: Final = "x-headrace-affinity"
