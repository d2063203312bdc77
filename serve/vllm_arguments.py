"""What vLLM is told, from a model's specification. Imports neither vLLM nor Ray."""

from typing import Any, Final

from models.spec import ModelSpec

# Handed to vLLM as its scheduler's class: the hook that its own process offers beside the grammars.
RESUMING_SCHEDULER: Final = "serve.resumed_grammar.scheduler"


def engine_kwargs(spec: ModelSpec) -> dict[str, Any]:
    """vLLM's arguments."""
    return {
        # Who is asked first is said by each request; see seats.py.
        "scheduling_policy": "priority",
        "max_num_seqs": spec.seats,
        **spec.engine_args,
        "max_model_len": spec.context_window,
        "scheduler_cls": RESUMING_SCHEDULER,
    }
