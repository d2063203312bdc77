"""Whether a new revision does harm: sequential tests that may be looked at as often as one likes.

Each question is about a share: of requests that fail, that wait too long for their first token, of answers
that people thought little of. How much of it is tolerated is set before; evidence that the share is higher
is collected request by request, as a likelihood ratio against a mixture of higher shares. While the share is
as tolerated, that ratio is a supermartingale: it ever exceeds 1/alpha with a probability of at most alpha
(Ville's inequality), whenever and however often somebody looks. A test of a fixed sample would have to wait
for its last request; looked at each second, it would cry wolf.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

from gateway.figures.tables import Figures
from gateway.promotions.plan import Limits

# Higher shares that the evidence is for, as parts of the way from what is tolerated to all.
_HIGHER = tuple(part / 16 for part in range(1, 17))
# Of a revision without history no wait can be called long.
_LEAST_WAITS = 20
# A twentieth of the old revision's requests wait longer than that by definition.
_SLOWEST_PART = 0.05
_CERTAIN = 1 - 1e-9
# A logarithm; more evidence than this is not told apart.
_ENOUGH = 27.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One question and its evidence so far.

    Attributes:
        question: `errors`, `waits` or `thumbs`.
        bad, of: how many of how many were bad.
        tolerated: the share of bad ones that is no harm.
        evidence: how many times likelier the figures are if there is harm.
        seconds: for `waits`, from when on a wait is long.
    """

    question: str
    bad: int
    of: int
    tolerated: float
    evidence: float
    seconds: float | None = None


def evidence(bad: int, of: int, tolerated: float) -> float:
    """How many times likelier `bad` of `of` are under higher shares than under the one that is tolerated."""
    if of == 0:
        return 1.0
    least = min(max(tolerated, 1e-6), _CERTAIN)
    logs = []
    for part in _HIGHER:
        share = min(least + (1 - least) * part, _CERTAIN)
        logs.append(bad * log(share / least) + (of - bad) * log((1 - share) / (1 - least)))
    highest = max(logs)
    total = highest + log(sum(exp(value - highest) for value in logs) / len(logs))
    return exp(min(total, _ENOUGH))


def look(new: Figures, old: Figures, limits: Limits) -> Sequence[Finding]:
    """What the new revision's figures say beside those of the old."""
    findings = [_find("errors", new.errors, new.requests, _share(old.errors, old.requests) + limits.errors)]
    slowest = old.wait_quantile(1 - _SLOWEST_PART)
    if slowest is not None and old.waited >= _LEAST_WAITS:
        long = slowest * limits.waits
        findings.append(
            _find("waits", new.waited_longer(long), new.waited, 2 * _SLOWEST_PART, seconds=round(long, 4))
        )
    rated = new.up + new.down
    if rated:
        findings.append(_find("thumbs", new.down, rated, _share(old.down, old.up + old.down) + limits.thumbs))
    return findings


def harmful(findings: Sequence[Finding], alpha: float) -> Finding | None:
    """The finding that leaves no more doubt than `alpha`, all questions together; None without one."""
    worst = max(findings, key=lambda finding: finding.evidence)
    # Three questions are asked: each may err a third as often.
    return worst if worst.evidence >= 3 / alpha else None


def sentence(finding: Finding) -> str:
    """What was found, for a person."""
    what = {
        "errors": f"{finding.bad} of {finding.of} requests failed",
        "waits": f"{finding.bad} of {finding.of} first tokens took longer than {finding.seconds} s",
        "thumbs": f"{finding.bad} of {finding.of} ratings were thumbs down",
    }[finding.question]
    return f"{what}; {finding.tolerated:.0%} were tolerated."


def _find(question: str, bad: int, of: int, tolerated: float, seconds: float | None = None) -> Finding:
    tolerated = min(tolerated, 1.0)
    # All that is possible is tolerated: nothing can speak against it.
    found = 1.0 if tolerated >= 1 else evidence(bad, of, tolerated)
    return Finding(question, bad, of, round(tolerated, 4), found, seconds)


def _share(bad: int, of: int) -> float:
    return bad / of if of else 0.0
