"""Which revision a conversation belongs to: the same each time, by the weights, moved only if it must."""

from collections import Counter
from dataclasses import dataclass

from gateway.routing.choice import choose


@dataclass(frozen=True)
class Option:
    revision: str
    weight: int


CONVERSATIONS = [f"cnv_{number}" for number in range(4000)]


def chosen(**weights: int) -> dict[str, str]:
    options = [Option(revision, weight) for revision, weight in weights.items()]
    return {name: choose(options, name).revision for name in CONVERSATIONS}


def test_a_conversation_stays_where_it_is() -> None:
    assert chosen(r1=50, r2=50) == chosen(r1=50, r2=50) == chosen(r2=50, r1=50)


def test_the_shares_are_those_of_the_weights() -> None:
    counts = Counter(chosen(r1=90, r2=9, r3=1).values())
    assert 0.88 < counts["r1"] / 4000 < 0.92
    assert 0.07 < counts["r2"] / 4000 < 0.11
    assert 0.003 < counts["r3"] / 4000 < 0.02


def test_a_revision_that_gains_weight_takes_over_and_nobody_else_is_moved() -> None:
    before, after = chosen(r1=60, r2=30, r3=10), chosen(r1=60, r2=30, r3=40)
    moved = {name for name in CONVERSATIONS if before[name] != after[name]}
    assert moved
    assert {after[name] for name in moved} == {"r3"}
    # 10 of 100 before, 40 of 130 after.
    assert 0.17 < len(moved) / 4000 < 0.25
