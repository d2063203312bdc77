"""`headrace test`: every check there is, each with its own set-up."""

from rich.console import Console

from cluster.local.errors import ClusterError
from cluster.testing.plan import Part, parts
from cluster.testing.running import run


def test(*, only: tuple[str, ...], fast: bool, list_steps: bool) -> int:
    """Run the steps and print a summary. Returns 0 when all passed."""
    chosen = _chosen(only, fast=fast)
    if list_steps:
        console = Console(highlight=False)
        for part in chosen:
            for step in part.steps:
                console.print(f"{step.name:<22} {step.about}")
        return 0
    return run(chosen)


def _chosen(only: tuple[str, ...], *, fast: bool) -> list[Part]:
    chosen = [part for part in parts() if not (fast and part.slow)]
    if only:
        known = {step.name for part in parts() for step in part.steps}
        if unknown := set(only) - known:
            raise ClusterError(
                f"There is no step {', '.join(sorted(unknown))}; ./headrace test --list shows them."
            )
        chosen = [part.limited_to(only) for part in parts()]
    return [part for part in chosen if part.steps]
