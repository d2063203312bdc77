"""What vLLM is told follows from the specification, and from the processor where that matters."""

from pathlib import Path
from typing import Any

import pytest

from models.catalogue import Catalogue
from models.spec import ModelSpec
from serve import vllm_arguments
from serve.vllm_arguments import engine_kwargs, processor_dtype


def spec(**changes: Any) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "name": "m",
            "revision": "r1",
            "title": "Model",
            "engine": "vllm",
            "source": {"kind": "local", "path": "/models/m"},
            "context_window": 1024,
            "max_output_tokens": 256,
            **changes,
        }
    )


@pytest.mark.parametrize(
    ("cpuinfo", "dtype"),
    [
        ("flags\t\t: fpu fma avx avx2\n", {"dtype": "float32"}),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16\nflags\t: fpu\n", {}),
        ("Features\t: fp asimd bf16 i8mm\n", {}),
        ("Features\t: fp asimd\n", {"dtype": "float32"}),
        ("processor\t: 0\n", {}),
    ],
)
def test_a_processor_without_short_floats_gets_long_ones(
    tmp_path: Path, cpuinfo: str, dtype: dict[str, str]
) -> None:
    file = tmp_path / "cpuinfo"
    file.write_text(cpuinfo)
    assert processor_dtype(file) == dtype


def test_where_nothing_is_known_of_the_processor_the_model_decides(tmp_path: Path) -> None:
    assert processor_dtype(tmp_path / "nothing") == {}


def test_a_specification_has_the_last_word_and_a_gpu_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vllm_arguments, "processor_dtype", lambda: {"dtype": "float32"})
    assert engine_kwargs(spec())["dtype"] == "float32"
    assert engine_kwargs(spec(engine_args={"dtype": "bfloat16"}))["dtype"] == "bfloat16"
    assert "dtype" not in engine_kwargs(spec(resources={"cpus": 1, "gpus": 1}))
    # The bundled model leaves it to the machine.
    assert "dtype" not in Catalogue.load().get("smollm2-135m").engine_args


def test_the_engine_knows_its_window_its_places_and_whom_to_serve_first() -> None:
    told = engine_kwargs(spec(engine_args={"max_num_seqs": 7}))
    assert (told["max_model_len"], told["max_num_seqs"], told["scheduling_policy"]) == (1024, 7, "priority")
    assert engine_kwargs(spec())["max_num_seqs"] == spec().seats == 128
