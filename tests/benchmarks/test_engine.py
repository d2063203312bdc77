"""What the measurement of three ways to a model makes of its rounds."""

import io

import pytest
from rich.console import Console

from benchmarks import engine
from benchmarks.engine import AGAIN, goals, show, wave_tokens
from benchmarks.engine_servers import as_options


def report(ours: float, bare: float, ray: float, first: float) -> dict[str, object]:
    names = ("bare vLLM", "ray.serve.llm", "headrace", AGAIN)
    speeds = dict(zip(names, (bare, ray, ours, ours), strict=True))
    return {
        "model": "m",
        "rounds": 3,
        "tokens_of_a_stream": 32,
        "tokens_per_second": {name: [speed, speed * 1.1, speed] for name, speed in speeds.items()},
        "first_ms": {name: [100.0, 110.0, 100.0] for name in names} | {"headrace": [first, first, first]},
        "first_of_sixteen_ms": {name: [500.0] * 3 for name in names},
        "machine": {"during": {"others": 0.0, "stolen": 0.0}},
    }


@pytest.mark.parametrize(
    ("ours", "bare", "ray", "first", "met"),
    [
        (100, 100, 80, 100, [True, True, True]),
        (99, 100, 95, 106, [False, False, False]),
        (100, 101, 90, 104, [False, True, True]),
    ],
)
def test_each_goal_is_judged_by_the_median_of_its_rounds(
    ours: float, bare: float, ray: float, first: float, met: list[bool]
) -> None:
    found = report(ours, bare, ray, first)
    assert [row[4] for row in goals(found)] == [*met, None, None]
    told = io.StringIO()
    show(found, Console(file=told, width=140))
    assert told.getvalue().count("not met") == met.count(False)


def test_a_wave_is_as_long_as_the_machine_makes_in_about_ten_seconds() -> None:
    assert wave_tokens({"tokens": 128, "wall_s": 1.0}) == 80
    assert wave_tokens({"tokens": 128, "wall_s": 60.0}) == engine.FEWEST_TOKENS
    assert wave_tokens({"tokens": 12_800, "wall_s": 1.0}) == engine.MOST_TOKENS


def test_engine_arguments_become_options_of_vllm() -> None:
    assert as_options({"max_num_seqs": 16, "enforce_eager": True, "enable_prefix_caching": False}) == [
        "--max-num-seqs",
        "16",
        "--enforce-eager",
        "--no-enable-prefix-caching",
    ]
    assert as_options({"override_generation_config": {"top_p": 0.9}}) == [
        "--override-generation-config",
        '{"top_p": 0.9}',
    ]


def test_what_is_asked_has_an_exact_length() -> None:
    body = engine.sixteen("m", 24).body()
    assert b'"max_tokens":24' in body
    assert b'"ignore_eos":true' in body
    assert b'"max_tokens":1,' in engine.sixteen("m", 24).warm()
