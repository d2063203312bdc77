"""Whether the wanted models answer: what the serving side says, and what each gateway believes.

All are asked: after a crash a gateway may hold what was true before, until its reconciler has looked.
"""

import time
from collections.abc import Sequence

from cluster.local.errors import ClusterError, NotReady
from cluster.local.probes import json_get

FAILED_SECONDS = 20.0
"""A failure that stays this long is one; the reconciler may be on its way to replace it."""


class ModelStates:
    """Watches the wanted models of one starting instance.

    Args:
        gateways: the port on which each gateway tells of itself.
        serve: the port of the serving side.
        token: what the serving side wants to see.
    """

    def __init__(self, wanted: Sequence[str], *, gateways: Sequence[int], serve: int, token: str) -> None:
        self._wanted = wanted
        self._gateways = gateways
        self._serve = serve
        self._token = token
        self._failed_since: dict[str, float] = {}

    def late(self) -> list[str]:
        """The models that do not answer yet, each with its state. Raises ClusterError for one that failed."""
        serving = self._serving()
        believed = [self._known(port) for port in self._gateways]
        late = []
        for name in self._wanted:
            state, message = serving.get(name, ("pending", ""))
            if state == "failed":
                since = self._failed_since.setdefault(name, time.monotonic())
                if time.monotonic() - since > FAILED_SECONDS:
                    reason = message.strip()[:300] or "no reason was given"
                    raise ClusterError(
                        f"The model {name} could not be started: {reason} (./headrace logs ray shows more)"
                    )
            else:
                self._failed_since.pop(name, None)
            # Whichever of the gateways is asked next has to know.
            known = [beliefs.get(name, "pending") for beliefs in believed]
            if (missing := next((s for s in (state, *known) if s != "ready"), None)) is not None:
                late.append(f"{name} ({missing})")
        return late

    def _serving(self) -> dict[str, tuple[str, str]]:
        """State and message of each model's application; a ready one wins over one that is leaving."""
        try:
            _, body = json_get(self._serve, "/control/apps", {"Authorization": f"Bearer {self._token}"})
        except NotReady:
            return {}
        found: dict[str, tuple[str, str]] = {}
        for app in body.get("apps", ()) if isinstance(body, dict) else ():
            name, state = str(app.get("model")), str(app.get("state"))
            if found.get(name, ("", ""))[0] != "ready":
                found[name] = (state, str(app.get("message") or ""))
        return found

    def _known(self, port: int) -> dict[str, str]:
        """What a gateway believes; nothing while it does not answer."""
        try:
            _, body = json_get(port, "/readyz")
        except NotReady:
            return {}
        models = body.get("models") if isinstance(body, dict) else None
        return {str(n): str(s) for n, s in models.items()} if isinstance(models, dict) else {}
