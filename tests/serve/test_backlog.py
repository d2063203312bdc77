"""How many replicas a backlog of tokens wants."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from ray import cloudpickle
from ray.serve.config import AutoscalingConfig

from core.priority import Priority
from models.spec import ModelSpec
from serve.app import _options
from serve.backlog import BACKLOG, ByBacklog
from serve.seats import Seats
from tests.models.test_spec import SIMULATED


@dataclass
class Now:
    aggregated_metrics: dict[str, dict[Any, float]] | None
    total_num_requests: float = 0
    policy_state: dict[str, Any] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("backlogs", "requests", "wanted"),
    [
        ([], 0, 0),
        ([0, 0], 0, 0),
        # It runs, and its tokens are not known yet.
        ([], 1, 1),
        ([1], 1, 1),
        ([1_000], 40, 1),
        ([1_001], 1, 2),
        ([2_500, 1_200], 2, 4),
    ],
)
def test_replicas_follow_the_tokens_of_all_of_them(backlogs: list[float], requests: int, wanted: int) -> None:
    figures = {BACKLOG: dict(enumerate(backlogs)), "ongoing": {0: 900.0}}
    assert ByBacklog(1_000)(Now(figures, requests)) == (wanted, {})


def test_without_any_figures_there_is_one_while_somebody_asks() -> None:
    assert ByBacklog(1_000)(Now(None, 3))[0] == 1


def test_the_backlog_is_of_those_who_run_and_those_who_wait() -> None:
    seats = Seats(1, 1_000)
    first = seats.take(Priority.API, 300, "runs")
    second = seats.take(Priority.API, 200, "waits")
    assert seats.backlog == 500
    second.leave()
    second.leave()
    assert seats.backlog == 300
    first.leave()
    assert seats.backlog == 0


def test_serve_takes_the_policy_without_our_code() -> None:
    spec = ModelSpec.model_validate(
        {
            **SIMULATED,
            "replicas": {"min": 1, "max": 3, "target_backlog_tokens": 700},
            "simulated": {"seats": 2},
        }
    )
    policy = AutoscalingConfig(**_options(spec, {})["autoscaling_config"]).policy
    assert policy.policy_kwargs == {"tokens": 700}
    made = cloudpickle.loads(policy.get_serialized_policy_def())(**policy.policy_kwargs)
    assert made(Now({BACKLOG: {"a": 1_401.0}}, 1))[0] == 3
