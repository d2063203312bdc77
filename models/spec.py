"""What one revision of a model is: everything a deployment needs to know, checked before anything starts.

A `ModelSpec` is plain data. It comes from a YAML file of the catalogue or, as JSON, over the control
interface; both go through the same checks and name the same fields when they refuse.
"""

import hashlib
import json
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError, ValidationError

# A name becomes part of an application name, a URL path and a folder: letters, digits, dot, dash, underscore.
# Two dashes in a row are kept for ourselves: an application is called "<model>--<revision>".
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](?:[._-]?[a-z0-9]+){0,31}$", max_length=63)]
EnvironmentName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,127}$")]

# What may be handed to vLLM. Nothing here names a file or a URL, loads a plugin or opens a port; the
# context window, the served name and the weights are set by us.
ENGINE_ARGS = frozenset(
    {
        "async_scheduling",
        "block_size",
        "calculate_kv_scales",
        "cpu_offload_gb",
        "cudagraph_capture_sizes",
        "data_parallel_size",
        "disable_cascade_attn",
        "dtype",
        "enable_auto_tool_choice",
        "enable_chunked_prefill",
        "enable_expert_parallel",
        "enable_prefix_caching",
        "enforce_eager",
        "generation_config",
        "gpu_memory_utilization",
        "kv_cache_dtype",
        "limit_mm_per_prompt",
        "long_prefill_token_threshold",
        "max_logprobs",
        "max_long_partial_prefills",
        "max_num_batched_tokens",
        "max_num_partial_prefills",
        "max_num_seqs",
        "override_generation_config",
        "pipeline_parallel_size",
        "quantization",
        "reasoning_parser",
        "scheduling_policy",
        "seed",
        "stream_interval",
        "tensor_parallel_size",
        "tokenizer_mode",
        "tool_call_parser",
        "trust_remote_code",
    }
)
# How a model writes unless a request says otherwise.
_SAMPLING = frozenset({"temperature", "top_p", "top_k", "min_p", "repetition_penalty"})
_CHOICES = {"generation_config": ("auto", "vllm"), "scheduling_policy": ("fcfs", "priority")}
_COUNTS = frozenset(
    {
        "block_size",
        "data_parallel_size",
        "max_num_batched_tokens",
        "max_num_seqs",
        "pipeline_parallel_size",
        "tensor_parallel_size",
    }
)


# What `max_num_seqs` is when nobody says: few enough for any machine that vLLM runs on.
DEFAULT_SEATS = 128


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


GgufName = Annotated[str, StringConstraints(pattern=r"^[^/\\]+\.gguf$")]


class PackageSource(_Part):
    """Weights that come inside an installed Python package, as one GGUF file."""

    kind: Literal["package"]
    package: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$")]
    file: GgufName


class LocalSource(_Part):
    """A folder on this machine in the Hugging Face layout (config.json, safetensors, tokenizer), or one with
    the GGUF file that `file` names."""

    kind: Literal["local"]
    path: Annotated[str, StringConstraints(min_length=1)]
    file: GgufName | None = None


class HubSource(_Part):
    """A repository of the Hugging Face hub at one commit. A branch or a tag can move, so it is refused."""

    kind: Literal["hub"]
    repo: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")]
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")]


Source = Annotated[PackageSource | LocalSource | HubSource, Field(discriminator="kind")]


class LocalAdapter(_Part):
    """A folder on this machine with a LoRA adapter (adapter_config.json, adapter_model.safetensors)."""

    kind: Literal["local"]
    path: Annotated[str, StringConstraints(min_length=1)]


# Put onto the weights of `source` before anything starts.
Adapter = Annotated[LocalAdapter | HubSource, Field(discriminator="kind")]


class Prices(_Part):
    """In units of money per million tokens."""

    prompt: float = Field(default=0.0, ge=0)
    completion: float = Field(default=0.0, ge=0)


class Replicas(_Part):
    """How many replicas run. `min: 0` lets the last one go when nobody asks; `max` is a hard bound."""

    min: int = Field(default=1, ge=0, le=1000)
    max: int = Field(default=1, ge=1, le=1000)
    target_ongoing_requests: float = Field(default=16, gt=0)
    # Instead of ongoing requests, where those differ too much to be counted: the tokens, of prompts and the
    # most that their answers may produce, that one replica should have before it.
    target_backlog_tokens: int | None = Field(default=None, ge=1, le=1_000_000_000)
    max_ongoing_requests: int = Field(default=64, ge=1)
    upscale_delay_s: float = Field(default=10, ge=0)
    downscale_delay_s: float = Field(default=300, ge=0)
    # How long a retired replica may go on with the streams it has.
    drain_timeout_s: float = Field(default=600, gt=0, le=86_400)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise PydanticCustomError(
                "order", "replicas.min is {low}, above replicas.max, {high}", _ctx(self)
            )
        if self.target_ongoing_requests > self.max_ongoing_requests:
            raise PydanticCustomError(
                "order", "replicas.target_ongoing_requests is above replicas.max_ongoing_requests"
            )
        return self


def _ctx(replicas: Replicas) -> dict[str, Any]:
    return {"low": replicas.min, "high": replicas.max}


class Resources(_Part):
    """What one replica takes. CPUs are Ray's logical ones; `gpus` below one is a share of one GPU."""

    cpus: float = Field(default=1, ge=0, le=1024)
    gpus: float = Field(default=0, ge=0, le=64)
    memory_gib: float = Field(default=0, ge=0)
    accelerator_type: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.gpus > 1 and self.gpus != int(self.gpus):
            raise PydanticCustomError("gpus", "resources.gpus above one must be a whole number")
        if self.accelerator_type is not None and self.gpus == 0:
            raise PydanticCustomError("gpus", "resources.accelerator_type needs resources.gpus above 0")
        if self.cpus == 0 and self.gpus == 0:
            raise PydanticCustomError("resources", "resources.cpus and resources.gpus are both 0")
        return self


class Simulated(_Part):
    """The simulated engine's pace: milliseconds from a request's arrival to the first token, and from each
    token to the next. Answers follow from the prompt and `seed` alone."""

    ttft_ms: float = Field(default=20, ge=0, le=60_000)
    token_ms: float = Field(default=10, ge=0, le=60_000)
    seed: int = 0
    # How many requests it works on at once; None: as many as come.
    seats: int | None = Field(default=None, ge=1, le=100_000)


class Upstream(_Part):
    """An OpenAI-compatible service elsewhere. The key is read from the environment, never from here."""

    base_url: str = "https://api.openai.com/v1"
    base_url_env: EnvironmentName | None = None
    # The name's ending keeps a spec from asking for our own secrets.
    api_key_env: Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,100}_API_KEY$")] = (
        "OPENAI_API_KEY"
    )
    model: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    # Seconds until the first byte of an answer, all retries together, and between two pieces of a stream.
    timeout_s: float = Field(default=60, gt=0, le=3600)
    idle_timeout_s: float = Field(default=60, gt=0, le=3600)
    max_concurrency: int = Field(default=32, ge=1, le=10_000)
    max_retries: int = Field(default=2, ge=0, le=10)
    # Of one replica; None: as many as come.
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    # What becomes of an answer that broke off: it ends with the text so far, or the service is sent that text
    # as the beginning of its answer. Not every service goes on from there; many begin anew.
    continuation: Literal["fail", "text"] = "fail"

    @field_validator("base_url")
    @classmethod
    def _usable(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise PydanticCustomError("url", "must be an http or https URL")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise PydanticCustomError("url", "must not carry a user, a query or a fragment")
        return value.rstrip("/")


def _is_sampling(setting: object) -> bool:
    return (
        isinstance(setting, dict)
        and _SAMPLING.issuperset(setting)
        and all(type(number) in (int, float) and number >= 0 for number in setting.values())
    )


class ModelSpec(_Part):
    """One revision of one model. Two specs with the same digest are the same revision."""

    name: Name
    revision: Name
    title: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    description: Annotated[str, StringConstraints(max_length=500)] = ""
    engine: Literal["vllm", "simulated", "openai"]
    source: Source | None = None
    adapter: Adapter | None = None
    # Tokens: prompt and answer together, and the longest answer anyone may ask for.
    context_window: int = Field(ge=16, le=10_000_000)
    max_output_tokens: int = Field(ge=1)
    prices: Prices = Prices()
    replicas: Replicas = Replicas()
    resources: Resources = Resources()
    trust_remote_code: bool = False
    engine_args: dict[str, Any] = Field(default_factory=dict)
    simulated: Simulated | None = None
    upstream: Upstream | None = None

    @field_validator("engine_args")
    @classmethod
    def _known_engine_args(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name, setting in value.items():
            if name not in ENGINE_ARGS:
                raise PydanticCustomError(
                    "engine_arg", "{name} is not an allowed engine argument", {"name": name}
                )
            if name in _CHOICES and setting not in _CHOICES[name]:
                allowed = " or ".join(_CHOICES[name])
                raise PydanticCustomError("engine_arg", "{name} must be " + allowed, {"name": name})
            if name in _COUNTS and (type(setting) is not int or setting < 1):
                raise PydanticCustomError(
                    "engine_arg", "{name} must be a whole number above 0", {"name": name}
                )
            if name == "override_generation_config" and not _is_sampling(setting):
                raise PydanticCustomError(
                    "engine_arg",
                    "{name} must give numbers for some of " + ", ".join(sorted(_SAMPLING)),
                    {"name": name},
                )
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.max_output_tokens >= self.context_window:
            raise PydanticCustomError(
                "window", "max_output_tokens leaves no room for a prompt in context_window"
            )
        self._has_what_its_engine_needs()
        if self.engine_args.get("trust_remote_code") and not self.trust_remote_code:
            raise PydanticCustomError(
                "remote_code",
                "engine_args.trust_remote_code runs the repository's code: set trust_remote_code",
            )
        ways = self.parallel_ways
        if self.engine == "vllm" and self.resources.gpus == 0 and ways > 1:
            raise PydanticCustomError(
                "gpus", "resources.gpus is 0 but engine_args spread over {n}", {"n": ways}
            )
        if self.engine == "vllm" and self.resources.gpus >= 1 and self.resources.gpus != ways:
            raise PydanticCustomError(
                "gpus",
                "resources.gpus is {gpus} but engine_args spread over {n}",
                {"gpus": int(self.resources.gpus), "n": ways},
            )
        return self

    def _has_what_its_engine_needs(self) -> None:
        needs = {"vllm": "source", "openai": "upstream", "simulated": None}[self.engine]
        given = {"source": self.source, "upstream": self.upstream, "simulated": self.simulated}
        if needs is not None and given[needs] is None:
            raise PydanticCustomError(
                "missing_part", "{part} is needed for engine {engine}", {"part": needs, "engine": self.engine}
            )
        if self.adapter is not None and self.engine != "vllm":
            raise PydanticCustomError(
                "extra_part", "adapter means nothing to engine {engine}", {"engine": self.engine}
            )
        for part, value in given.items():
            if value is not None and part not in (needs, self.engine):
                raise PydanticCustomError(
                    "extra_part",
                    "{part} means nothing to engine {engine}",
                    {"part": part, "engine": self.engine},
                )
        if self.engine_args and self.engine != "vllm":
            raise PydanticCustomError(
                "extra_part", "engine_args means nothing to engine {engine}", {"engine": self.engine}
            )
        if self.replicas.target_backlog_tokens is not None and self.seats is None:
            raise PydanticCustomError(
                "backlog",
                "replicas.target_backlog_tokens needs an engine with places: vllm, or simulated with seats",
            )
        # The simulated engine only holds one: a cluster can be tried out before there are weights for it.
        if self.engine == "openai" and self.resources.gpus:
            raise PydanticCustomError(
                "gpus", "resources.gpus is impossible: engine {engine} uses no GPU", {"engine": self.engine}
            )

    @property
    def parallel_ways(self) -> int:
        """How many GPUs one replica's arguments spread the model over."""
        tensor = int(self.engine_args.get("tensor_parallel_size", 1))
        return tensor * int(self.engine_args.get("pipeline_parallel_size", 1))

    @property
    def seats(self) -> int | None:
        """How many requests one replica's engine works on at once; None where it has no such bound."""
        if self.engine == "vllm":
            return int(self.engine_args.get("max_num_seqs", DEFAULT_SEATS))
        return self.simulated.seats if self.simulated is not None else None

    @property
    def digest(self) -> str:
        """SHA-256 over the whole spec: tells whether a deployment is already what is asked for."""
        plain = self.model_dump(mode="json")
        # Parts that came later: without them a spec has the digest that it always had.
        if self.adapter is None:
            del plain["adapter"]
        if self.replicas.target_backlog_tokens is None:
            del plain["replicas"]["target_backlog_tokens"]
        if isinstance(self.source, LocalSource) and self.source.file is None:
            del plain["source"]["file"]
        canonical = json.dumps(plain, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def first_complaint(error: ValidationError) -> tuple[str, str]:
    """`(field, message)` of the first thing wrong; the field is a dotted path such as `replicas.min`."""
    first = error.errors(include_url=False)[0]
    # A discriminated union adds its tag to the path; no field is called so.
    names = [str(part) for part in first["loc"]]
    if len(names) > 1 and names[0] in ("source", "adapter") and names[1] in ("package", "local", "hub"):
        names.pop(1)
    message = first["msg"]
    field = ".".join(names)
    if field in ("", "replicas", "resources"):
        # Checks over several fields begin their sentence with the field they mean.
        field = message.split(" ", 1)[0]
    return field, message
