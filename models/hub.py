"""Weights of the Hugging Face hub, at one commit."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from models.disk import need_space
from models.errors import WeightsError
from models.spec import HubSource

# The rest is for the tokenizer and rounding.
_ROOM_BYTES: Final = 64 * 1024**2


def download(source: HubSource, making: Path, report: Callable[[str], None]) -> None:
    report(f"downloading {source.repo} at {source.revision[:12]} (goes on where it stopped before)")
    from huggingface_hub import HfApi, snapshot_download

    wanted = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.model", "*.txt", "*.jinja"]
    try:
        info = HfApi().model_info(source.repo, revision=source.revision, files_metadata=True, timeout=30)
        size = sum(file.size or 0 for file in info.siblings or [] if not file.rfilename.endswith(".bin"))
        done = (
            sum(file.stat().st_size for file in making.rglob("*") if file.is_file()) if making.exists() else 0
        )
        need_space(making.parent, max(size - done, 0) + _ROOM_BYTES)
        snapshot_download(
            source.repo,
            revision=source.revision,
            local_dir=str(making),
            allow_patterns=wanted,
            etag_timeout=30,
        )
    except WeightsError:
        raise
    except Exception as error:  # The hub client raises a dozen kinds, all meaning one thing here.
        said = " ".join(str(error).split())[:300]
        raise WeightsError(
            f"{source.repo} could not be downloaded ({type(error).__name__}: {said}); "
            "check the connection, the name and HF_TOKEN, then try again."
        ) from error
    shutil.rmtree(making / ".cache", ignore_errors=True)
