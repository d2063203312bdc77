"""What vLLM is told, from a model's specification. Imports neither vLLM nor Ray."""

from pathlib import Path
from typing import Any, Final

from models.spec import ModelSpec

# Handed to vLLM as its scheduler's class: the hook that its own process offers beside the grammars.
RESUMING_SCHEDULER: Final = "serve.resumed_grammar.scheduler"
# With these a processor multiplies in bfloat16 about as fast as in float32, or faster: x86's, and ARM's.
_SHORT_FLOATS: Final = frozenset({"avx512f", "bf16"})


def engine_kwargs(spec: ModelSpec) -> dict[str, Any]:
    """vLLM's arguments, for an engine on the machine that asks."""
    return {
        **({} if spec.resources.gpus else processor_dtype()),
        # Who is asked first is said by each request; see seats.py.
        "scheduling_policy": "priority",
        "max_num_seqs": spec.seats,
        **spec.engine_args,
        "max_model_len": spec.context_window,
        "scheduler_cls": RESUMING_SCHEDULER,
    }


def processor_dtype(cpuinfo: Path = Path("/proc/cpuinfo")) -> dict[str, str]:
    """`dtype` where the model's own, mostly bfloat16, would be slow; else nothing.

    A processor without instructions for it takes bfloat16 apart number by number: the bundled model made 11
    tokens a second in 16 streams so, and 50 in float32.
    """
    try:
        lines = cpuinfo.read_text().splitlines()
    except OSError:
        return {}
    listed = [line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))]
    if not listed or _SHORT_FLOATS & set(listed[0]):
        return {}
    return {"dtype": "float32"}
