"""The whole measurement, short: it ends, nothing fails, and its report has the shape that readers expect."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from benchmarks import overhead, report
from benchmarks.scenarios import QUICK

REPOSITORY = Path(__file__).resolve().parents[2]


def test_a_quick_run_measures_everything_without_an_error(tmp_path: Path) -> None:
    to, scratch = tmp_path / "report.json", tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.overhead", "--quick", "--rounds", "1", "--json", str(to)],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(to.read_text())
    assert found["errors"] == 0
    assert found["said"] == []
    assert found["rounds"] == 1
    assert found["peer"] is None
    assert [item["name"] for item in found["scenarios"]] == [scenario.name for scenario in QUICK]
    for item in found["scenarios"]:
        assert list(item["targets"]) == [report.DIRECT, report.OURS, report.AGAIN]
        for figures in item["targets"].values():
            assert figures["requests"] >= item["connections"]
            assert figures["cpu_per_request_us"] > 0
            assert 0 <= figures["kernel_share"] <= 1
            assert figures["latency_ms"]["p50"] <= figures["latency_ms"]["p99"]
            assert (figures["gap_ms"] is not None) == item["stream"]
    assert {item["goal"] for item in found["goals"]} == {"G1", "G2"}
    assert "Goals" in done.stdout
    assert list(scratch.iterdir()) == []
    assert [process for process in psutil.process_iter() if _knows(process, scratch)] == []


def _knows(process: psutil.Process, folder: Path) -> bool:
    """Whether a process was told to keep its files there."""
    try:
        return str(folder).encode() in Path(f"/proc/{process.pid}/environ").read_bytes()
    except OSError:
        return False


def test_a_number_of_rounds_out_of_bounds_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        overhead.main(["--rounds", "0"])
    assert refused.value.code == 2
    assert "must be between 1 and 100" in capsys.readouterr().err
