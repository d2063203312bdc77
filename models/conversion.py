"""Turn weights of other shapes into a folder in the Hugging Face layout. Imports torch, so it runs apart."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.errors import WeightsError

ADAPTER_CONFIG: Final = "adapter_config.json"
ADAPTER_WEIGHTS: Final = "adapter_model.safetensors"
# What an adapter may ask for besides matrices: some of it would run or fetch what nobody here has looked at.
_KINDS: Final = ("LORA",)


def convert_gguf(gguf: Path, making: Path, dtype: str) -> None:
    """A GGUF file as safetensors with its tokenizer, in the new folder `making`. Raises WeightsError."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    making.mkdir()
    # Without dequantize=True transformers keeps blocks that it cannot save.
    model = AutoModelForCausalLM.from_pretrained(
        str(gguf.parent),
        gguf_file=gguf.name,
        dtype=dtype,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(str(making))
    tokenizer = AutoTokenizer.from_pretrained(str(gguf.parent), gguf_file=gguf.name)
    if not tokenizer.chat_template:
        raise WeightsError(f"{gguf.name} has no chat template, so it cannot hold a conversation.")
    tokenizer.save_pretrained(str(making))


def check_adapter(folder: Path) -> Path:
    """The folder, if it holds a LoRA adapter that can be read without running pickles.

    Raises WeightsError.
    """
    if not folder.is_dir():
        raise WeightsError(f"{folder} is not a folder.")
    try:
        kind = json.loads((folder / ADAPTER_CONFIG).read_bytes())["peft_type"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{folder} has no {ADAPTER_CONFIG} that says what kind of adapter it is."
        ) from error
    if kind not in _KINDS:
        raise WeightsError(f"{folder} holds an adapter of the kind {kind}; only LoRA is known here.")
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise WeightsError(f"{folder} has no {ADAPTER_WEIGHTS}; pickled weights are not loaded.")
    return folder.resolve()


def merge_adapter(base: Path, adapter: Path, making: Path, report: Callable[[str], None]) -> None:
    """The base's weights with the adapter's added to them, in the new folder `making`.

    Added once and for all: an engine that keeps an adapter apart multiplies with it for every token, and a
    revision has no second adapter. Takes as much memory as the base has weights, and half as much again.
    Raises WeightsError when the adapter was made for another model.
    """
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    report("adding the adapter to its base")
    model = AutoModelForCausalLM.from_pretrained(str(base), dtype="auto")
    try:
        whole = PeftModel.from_pretrained(model, str(check_adapter(adapter))).merge_and_unload(
            safe_merge=True
        )
    except (RuntimeError, ValueError, KeyError) as error:
        said = " ".join(str(error).split())[:200]
        raise WeightsError(f"The adapter in {adapter} does not fit its base: {said}") from error
    making.mkdir()
    whole.save_pretrained(str(making))
    AutoTokenizer.from_pretrained(str(base)).save_pretrained(str(making))
