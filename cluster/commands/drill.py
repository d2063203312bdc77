"""`headrace drill`: faults on purpose, on a stack of its own, and what they cost."""

from cluster.testing.plan import autoscaling, drills
from cluster.testing.running import run


def turns(*, short: bool, vllm: bool) -> int:
    """Gateways and replicas that die under turns. Returns 0 when nothing was lost."""
    return run(drills("turns", long=not short, vllm=vllm))


def swap(*, short: bool, vllm: bool) -> int:
    """Models that change under streams. Returns 0 when nothing was refused or cut."""
    return run(drills("swap", long=not short, vllm=vllm))


def replicas(*, short: bool) -> int:
    """Replicas that die one after the other under requests. Returns 0 when they found another in time."""
    return run(drills("replicas", long=not short, vllm=False))


def serving() -> int:
    """What stands around the replicas dies under requests. Returns 0 when nothing was cut in silence."""
    return run(drills("serving", long=True, vllm=False))


def upstream(*, short: bool) -> int:
    """Somebody else's service that fails in every way. Returns 0 when it was left alone and all were told."""
    return run(drills("upstream", long=not short, vllm=False))


def scaling() -> int:
    """Nodes and replicas that follow the load. Returns 0 when both came and went and nothing failed."""
    return run(autoscaling())
