"""What a model's description may say, and which field is named when it may not."""

from typing import Any

import pytest
from pydantic import ValidationError

from models.spec import ModelSpec, first_complaint

VLLM: dict[str, Any] = {
    "name": "small",
    "revision": "r1",
    "title": "Small",
    "engine": "vllm",
    "source": {"kind": "local", "path": "weights"},
    "context_window": 2048,
    "max_output_tokens": 512,
}
SIMULATED: dict[str, Any] = {
    "name": "sim",
    "revision": "r1",
    "title": "Sim",
    "engine": "simulated",
    "context_window": 2048,
    "max_output_tokens": 512,
}
OPENAI: dict[str, Any] = {**SIMULATED, "engine": "openai", "upstream": {"model": "m"}}


def complaint(spec: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        ModelSpec.model_validate(spec)
    return first_complaint(caught.value)


@pytest.mark.parametrize("spec", [VLLM, SIMULATED, OPENAI], ids=lambda spec: spec["engine"])
def test_each_engine_needs_little(spec: dict[str, Any]) -> None:
    made = ModelSpec.model_validate(spec)
    assert (made.engine, made.replicas.min, made.replicas.max) == (spec["engine"], 1, 1)


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("engine", {"engine": "magic"}),
        ("temperature", {"temperature": 1}),
        ("name", {"name": "Has--Dashes"}),
        ("name", {"name": "a--b"}),
        ("name", {"name": "../etc"}),
        ("revision", {"revision": "r/1"}),
        ("context_window", {"context_window": "2048"}),
        ("context_window", {"context_window": 0}),
        ("max_output_tokens", {"max_output_tokens": 2048}),
        ("max_output_tokens", {"max_output_tokens": 4096}),
        ("source", {"source": None}),
        ("source", {"source": {"kind": "ftp", "path": "x"}}),
        ("source.revision", {"source": {"kind": "hub", "repo": "a/b", "revision": "main"}}),
        ("source.file", {"source": {"kind": "local", "path": "w", "file": "a/b.gguf"}}),
        ("adapter.revision", {"adapter": {"kind": "hub", "repo": "a/b", "revision": "main"}}),
        ("adapter.path", {"adapter": {"kind": "local", "path": ""}}),
        ("adapter", {"adapter": {"kind": "package", "package": "p", "file": "w.gguf"}}),
        ("source.file", {"source": {"kind": "package", "package": "p", "file": "../w.gguf"}}),
        ("replicas.min", {"replicas": {"min": 3, "max": 2}}),
        ("replicas.min", {"replicas": {"min": -1}}),
        ("replicas.target_backlog_tokens", {"replicas": {"target_backlog_tokens": 0}}),
        ("replicas.target_ongoing_requests", {"replicas": {"target_ongoing_requests": 99}}),
        ("resources.gpus", {"resources": {"gpus": -1}}),
        ("resources.gpus", {"resources": {"gpus": 1.5}}),
        ("resources.gpus", {"resources": {"gpus": 2}}),
        ("resources.gpus", {"engine_args": {"tensor_parallel_size": 2}}),
        ("resources.accelerator_type", {"resources": {"accelerator_type": "H100"}}),
        ("resources.cpus", {"resources": {"cpus": 0}}),
        ("engine_args", {"engine_args": {"chat_template": "/etc/passwd"}}),
        ("engine_args", {"engine_args": {"model": "other"}}),
        ("engine_args", {"engine_args": {"max_num_seqs": 0}}),
        ("engine_args", {"engine_args": {"generation_config": "/etc"}}),
        ("engine_args", {"engine_args": {"override_generation_config": "/etc"}}),
        ("engine_args", {"engine_args": {"override_generation_config": {"temperature": "hot"}}}),
        ("engine_args", {"engine_args": {"override_generation_config": {"temperature": True}}}),
        ("engine_args", {"engine_args": {"override_generation_config": {"max_new_tokens": 5}}}),
        ("engine_args.trust_remote_code", {"engine_args": {"trust_remote_code": True}}),
        ("simulated", {"simulated": {}}),
        ("prices.prompt", {"prices": {"prompt": -0.1}}),
    ],
)
def test_an_impossible_vllm_spec_names_the_field(field: str, change: dict[str, Any]) -> None:
    assert complaint({**VLLM, **change})[0] == field


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("upstream", {"upstream": None}),
        ("upstream.base_url", {"upstream": {"model": "m", "base_url": "file:///etc/passwd"}}),
        ("upstream.base_url", {"upstream": {"model": "m", "base_url": "https://me:pw@host/v1"}}),
        ("upstream.api_key_env", {"upstream": {"model": "m", "api_key_env": "HEADRACE_INTERNAL_TOKEN"}}),
        ("upstream.max_concurrency", {"upstream": {"model": "m", "max_concurrency": 0}}),
        ("resources.gpus", {"resources": {"gpus": 1}}),
        ("engine_args", {"engine_args": {"seed": 1}}),
    ],
)
def test_an_impossible_upstream_names_the_field(field: str, change: dict[str, Any]) -> None:
    assert complaint({**OPENAI, **change})[0] == field


@pytest.mark.parametrize("spec", [OPENAI, SIMULATED, {**SIMULATED, "simulated": {"ttft_ms": 1}}])
def test_a_backlog_of_tokens_needs_an_engine_that_knows_it(spec: dict[str, Any]) -> None:
    backlog = {"replicas": {"target_backlog_tokens": 1_000}}
    assert complaint({**spec, **backlog}) == (
        "replicas.target_backlog_tokens",
        "replicas.target_backlog_tokens needs an engine with places: vllm, or simulated with seats",
    )
    ModelSpec.model_validate({**VLLM, **backlog})
    ModelSpec.model_validate({**SIMULATED, **backlog, "simulated": {"seats": 1}})


def test_code_of_a_repository_runs_only_when_the_spec_says_so_itself() -> None:
    spec = {**VLLM, "engine_args": {"trust_remote_code": True}, "trust_remote_code": True}
    assert ModelSpec.model_validate(spec).engine_args["trust_remote_code"] is True


def test_gpus_go_with_the_ways_the_arguments_spread_the_model() -> None:
    spec = ModelSpec.model_validate(
        {
            **VLLM,
            "resources": {"gpus": 4},
            "engine_args": {"tensor_parallel_size": 2, "pipeline_parallel_size": 2},
        }
    )
    assert spec.parallel_ways == 4


def test_the_digest_follows_every_setting_and_survives_json() -> None:
    spec = ModelSpec.model_validate(VLLM)
    assert ModelSpec.model_validate_json(spec.model_dump_json()).digest == spec.digest
    assert ModelSpec.model_validate({**VLLM, "replicas": {"max": 2}}).digest != spec.digest


def test_no_replica_at_all_is_allowed() -> None:
    assert ModelSpec.model_validate({**VLLM, "replicas": {"min": 0}}).replicas.min == 0
