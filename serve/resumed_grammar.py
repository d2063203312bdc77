"""A grammar that begins where a broken-off answer stopped.

An answer that goes on elsewhere is asked for with its prompt and its own tokens as the new prompt. vLLM's
grammar knows nothing of those and would ask for a whole JSON text behind half of one. So it is led through
them first: how many they are is in the request's extra arguments, which only our gateway may set.
"""

from typing import TYPE_CHECKING, Any

from core.engine_fields import RESUMED_TOKENS

if TYPE_CHECKING:
    from vllm.config import VllmConfig
    from vllm.v1.core.sched.interface import SchedulerInterface
    from vllm.v1.request import Request
    from vllm.v1.structured_output import StructuredOutputManager
    from vllm.v1.structured_output.backend_types import StructuredOutputGrammar


class CannotResume(ValueError):
    """The tokens are not the beginning of anything that the grammar allows."""


def scheduler(
    vllm_config: "VllmConfig", structured_output_manager: "StructuredOutputManager", **rest: Any
) -> "SchedulerInterface":
    """vLLM's own scheduler, as it would choose it, with grammars that can go on."""
    resume_grammars(structured_output_manager)
    made: SchedulerInterface
    if vllm_config.scheduler_config.async_scheduling:
        from vllm.v1.core.sched.async_scheduler import AsyncScheduler as Scheduler
    else:
        from vllm.v1.core.sched.scheduler import Scheduler
    made = Scheduler(vllm_config=vllm_config, structured_output_manager=structured_output_manager, **rest)
    return made


def resume_grammars(manager: "StructuredOutputManager") -> None:
    """Lead each new grammar of `manager` through the tokens its request goes on from."""
    fresh = manager._create_grammar

    def create(request: "Request") -> "StructuredOutputGrammar":
        grammar = fresh(request)
        given = tokens_before(request)
        if given and not grammar.accept_tokens(request.request_id, given):
            raise CannotResume("The answer so far does not fit its response_format.")
        return grammar

    manager._create_grammar = create


def tokens_before(request: "Request") -> list[int]:
    """Those at the end of the prompt that are the answer's own. Raises CannotResume when that cannot be."""
    parameters = request.sampling_params
    count = (parameters.extra_args or {}).get(RESUMED_TOKENS, 0) if parameters is not None else 0
    prompt = request.prompt_token_ids or []
    if not isinstance(count, int) or not 0 <= count <= len(prompt):
        raise CannotResume(f"{RESUMED_TOKENS} must be a number of tokens of the prompt.")
    return list(prompt[len(prompt) - count :])
