"""Where an instance keeps its things: the folders under `var/`."""

import os
import uuid
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class VarDirectory:
    """One instance of Headrace. Two instances are two of these."""

    root: Path

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def run(self) -> Path:
        """What matters only while it runs: state, ports, locks, generated configuration."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def mail(self) -> Path:
        """Letters, where there is no mail server; the gateway writes them (auth.mail.senders)."""
        return self.root / "mail"

    @property
    def postgres(self) -> Path:
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def page(self) -> Path:
        """The exported page that the gateway serves: a link to the build that is in use."""
        return self.root / "page" / "current"

    @property
    def state_file(self) -> Path:
        return self.run / "state.json"

    @property
    def plan_file(self) -> Path:
        return self.run / "plan.json"

    def create(self) -> None:
        """Make the folders. Only `postgres` may be entered by another account, when we are root."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o711)
        for folder in (self.secrets, self.run, self.logs, self.valkey):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)

    def instance(self) -> str:
        """The name that every process of this instance carries in its environment; made once."""
        path = self.run / "instance"
        if not path.exists():
            write_atomically(path, f"{uuid.uuid4()}\n")
        return path.read_text().strip()


def var_directory() -> VarDirectory:
    """The instance that HEADRACE_VAR_DIR names, else `var/` in the repository."""
    named = os.environ.get("HEADRACE_VAR_DIR")
    return VarDirectory((Path(named) if named else REPOSITORY / "var").absolute())


def write_atomically(path: Path, text: str, mode: int = 0o600, *, durable: bool = True) -> None:
    """Replace the whole file or nothing of it. The mode holds from the first byte."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
