"""A LoRA adapter becomes part of its base's weights, by the real libraries on a model small enough."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from models.errors import WeightsError
from models.spec import ModelSpec
from models.weights import prepare, ready_folder, source_digest

RANK, ALPHA = 2, 8


def spec_of(base: Path, adapter: Any) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "name": "tiny",
            "revision": "r1",
            "title": "Tiny",
            "engine": "vllm",
            "source": {"kind": "local", "path": str(base)},
            "adapter": adapter,
            "context_window": 64,
            "max_output_tokens": 16,
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A base of two layers, and an adapter for it whose numbers are known."""
    import torch
    from peft import LoraConfig, get_peft_model
    from tokenizers import Tokenizer, models
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    home = tmp_path_factory.mktemp("adapters")
    base, adapter = home / "base", home / "adapter"
    torch.manual_seed(1)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=32, max_position_embeddings=64, **shape))
    model.save_pretrained(str(base))
    words = Tokenizer(models.WordLevel({"a": 0, "b": 1, "<unk>": 2}, unk_token="<unk>"))
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>").save_pretrained(str(base))
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules=["q_proj"], task_type="CAUSAL_LM")
    changed = get_peft_model(model, config)
    with torch.no_grad():
        for name, value in changed.named_parameters():
            if "lora_" in name:
                value.copy_(torch.randn_like(value))
    changed.save_pretrained(str(adapter))
    return base, adapter


@pytest.fixture
def base(made: tuple[Path, Path]) -> Path:
    return made[0]


@pytest.fixture
def adapter(made: tuple[Path, Path], tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(made[1], tmp_path / "adapter"))


def test_the_weights_are_the_bases_plus_the_adapters(base: Path, adapter: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    spec = spec_of(base, {"kind": "local", "path": str(adapter)})
    said: list[str] = []
    folder = prepare(spec, tmp_path, said.append)
    assert folder == tmp_path / "models" / "tiny" / source_digest(spec) == ready_folder(spec, tmp_path)
    assert "adding the adapter to its base" in said
    merged, plain = load_file(folder / "model.safetensors"), load_file(base / "model.safetensors")
    added = load_file(adapter / "adapter_model.safetensors")
    assert merged.keys() == plain.keys()
    for name, value in merged.items():
        expected = plain[name]
        if name.endswith("q_proj.weight"):
            stem = f"base_model.model.{name.removesuffix('.weight')}"
            product = added[f"{stem}.lora_B.weight"] @ added[f"{stem}.lora_A.weight"]
            assert product.abs().max() > 0.1
            expected = expected + product * (ALPHA / RANK)
        assert (value - expected).abs().max() < 1e-5, name
    # What an engine loads has nothing of an adapter left, and a second time nothing is made.
    assert not (folder / "adapter_config.json").exists()
    assert prepare(spec, tmp_path, said.append) == folder
    assert said.count("adding the adapter to its base") == 1


def test_another_adapter_is_another_folder_and_a_spec_without_one_keeps_its_digest(
    base: Path, adapter: Path
) -> None:
    spec = spec_of(base, {"kind": "local", "path": str(adapter)})
    before = source_digest(spec)
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "lora_alpha": 16}))
    assert source_digest(spec) != before
    assert spec_of(base, None).digest != spec.digest


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: shutil.rmtree(folder), "is not a folder"),
        (lambda folder: (folder / "adapter_config.json").unlink(), "has no adapter_config.json"),
        (lambda folder: (folder / "adapter_config.json").write_text("[]"), "has no adapter_config.json"),
        (
            lambda folder: (folder / "adapter_config.json").write_text('{"peft_type": "PROMPT_TUNING"}'),
            "of the kind PROMPT_TUNING",
        ),
        (
            lambda folder: (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin"),
            "pickled weights are not loaded",
        ),
    ],
)
def test_what_is_no_adapter_is_one_sentence(
    base: Path, adapter: Path, tmp_path: Path, spoil: Any, sentence: str
) -> None:
    spoil(adapter)
    with pytest.raises(WeightsError, match=sentence):
        prepare(spec_of(base, {"kind": "local", "path": str(adapter)}), tmp_path)


def test_an_adapter_of_another_model_leaves_nothing_half_made(
    base: Path, adapter: Path, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(adapter / "adapter_model.safetensors")
    save_file(
        {name: value.repeat(1, 2).contiguous() for name, value in weights.items()},
        adapter / "adapter_model.safetensors",
    )
    with pytest.raises(WeightsError, match="does not fit its base"):
        prepare(spec_of(base, {"kind": "local", "path": str(adapter)}), tmp_path)
    assert [entry.name for entry in (tmp_path / "models" / "tiny").iterdir()] == [".lock"]
