"""Whether the wanted models answer: what the serving side says, and what the gateway believes.

Both are asked: after a crash the gateway may hold what was true before, until its reconciler has looked.
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
        gateway: the gateway's port.
        serve: the port of the serving side.
        token: what the serving side wants to see.
    """

    def __init__(self, wanted: Sequence[str], *, gateway: int, serve: int, token: str) -> None:
        self._wanted = wanted
        self._gateway = gateway
        self._serve = serve
        self._token = token
        self._failed_since: dict[str, float] = {}

    def late(self) -> list[str]:
        """The models that do not answer yet, each with its state. Raises ClusterError for one that failed."""
        serving = self._serving()
        known = self._known()
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
            if state != "ready" or known.get(name) != "ready":
                late.append(f"{name} ({state if state != 'ready' else known.get(name, 'pending')})")
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

    def _known(self) -> dict[str, str]:
        """What the gateway believes; nothing while it does not answer."""
        try:
            _, body = json_get(self._gateway, "/readyz")
        except NotReady:
            return {}
        models = body.get("models") if isinstance(body, dict) else None
        return {str(n): str(s) for n, s in models.items()} if isinstance(models, dict) else {}
