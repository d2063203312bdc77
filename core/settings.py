"""Every setting of every process, read once from the environment into one typed object."""

from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MINIMUM_SECRET_LENGTH = 32


class Mode(StrEnum):
    """Who runs the dependencies: `headrace up` on this machine, or somebody else."""

    EMBEDDED = "embedded"
    EXTERNAL = "external"


class Registration(StrEnum):
    """Who may make an account."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


class SmtpSecurity(StrEnum):
    """How the connection to the mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


class ProviderKind(StrEnum):
    """What is known of an identity provider without asking it."""

    OIDC = "oidc"
    GOOGLE = "google"
    MICROSOFT = "microsoft"
    GITHUB = "github"


class OAuthProvider(BaseModel):
    """An identity provider, as in `HEADRACE_OAUTH_PROVIDERS`, a JSON list of these.

    Attributes:
        id: part of the address that it sends browsers back to: `/api/auth/oauth/<id>/callback`.
        issuer: of `oidc`, the address below which its configuration is; of `github`, an installation of one's
            own.
        tenant: of `microsoft`, whose accounts may sign in.
        registration: whether people who are new here get an account.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9](-?[a-z0-9]){0,31}$")
    title: str = Field(min_length=1, max_length=60)
    kind: ProviderKind = ProviderKind.OIDC
    issuer: str | None = None
    tenant: str | None = Field(default=None, pattern=r"^[A-Za-z0-9.-]{1,100}$")
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    registration: bool = False

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.kind is ProviderKind.OIDC and self.issuer is None:
            raise ValueError(f"the provider {self.id!r} needs an issuer")
        if self.kind is ProviderKind.MICROSOFT and self.tenant is None:
            raise ValueError(f"the provider {self.id!r} needs a tenant: `common` would let anybody in")
        return self

    @property
    def discovery_issuer(self) -> str:
        """The issuer's address, exactly as it calls itself."""
        if self.kind is ProviderKind.GOOGLE:
            return "https://accounts.google.com"
        if self.kind is ProviderKind.MICROSOFT:
            return f"https://login.microsoftonline.com/{self.tenant}/v2.0"
        return self.issuer or ""


class Settings(BaseSettings):
    """The environment of one process.

    Raises:
        pydantic.ValidationError: a value is missing or malformed; its message names the variable.
    """

    model_config = SettingsConfigDict(
        env_prefix="HEADRACE_", env_file=None, extra="ignore", frozen=True, populate_by_name=True
    )

    # Where things are. The names without our prefix are the ones every hosting platform sets.
    database_url: SecretStr = Field(
        default=SecretStr("postgresql://headrace@127.0.0.1:5432/headrace"), validation_alias="DATABASE_URL"
    )
    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), validation_alias="REDIS_URL")
    kafka_bootstrap_servers: str = Field(default="127.0.0.1:9092", validation_alias="KAFKA_BOOTSTRAP_SERVERS")
    serve_url: str = Field(default="http://127.0.0.1:8000", validation_alias="SERVE_URL")
    mode: Mode = Mode.EXTERNAL
    var_dir: Path = Path("var")
    static_dir: Path = Path("frontend/out")
    ray_autoscaling: Path | None = Field(
        default=None, description="a cluster configuration of Ray's: its nodes come and go with the replicas"
    )
    replica_choice: Literal["affinity", "leastconn", "roundrobin"] = Field(
        default="leastconn",
        description="which replica is asked: the one that has read the beginning before, the one with the "
        "fewest requests, or the next",
    )
    ray_node_ip: str = Field(
        default="127.0.0.1",
        description="this machine's address in Ray's cluster; loopback: it is alone",
    )

    # What the gateway listens on, and how the world reaches it.
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    listen_fd: int | None = Field(
        default=None, ge=3, description="an inherited socket to accept from, in place of host and port"
    )
    metrics_host: str = "127.0.0.1"
    metrics_port: int = Field(default=0, ge=0, le=65535, description="0: no metrics listener")
    public_url: str = "http://localhost:8080"
    # Proxies whose X-Forwarded-For is believed: addresses or networks, separated by commas.
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()

    # Secrets. The embedded mode makes its own; elsewhere weak ones are refused.
    internal_token: SecretStr = SecretStr("")
    signing_key_file: Path = Path("var/secrets/signing-key.pem")

    # Accounts.
    registration: Registration | None = None
    unverified_may_chat: bool | None = None
    # Roles whose rights need a session that was opened with a second factor. Unset: administrators, but on
    # one's own machine nobody.
    second_factor_roles: Annotated[tuple[Literal["user", "operator", "admin"], ...] | None, NoDecode] = None

    # For so many days somebody who has deleted their account can take it back.
    deletion_grace_days: int = Field(default=14, ge=1, le=365)

    oauth_providers: tuple[OAuthProvider, ...] = ()

    # Mail. Without a host letters are written to `mail` in the data folder.
    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: SmtpSecurity = SmtpSecurity.STARTTLS
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "Headrace <headrace@localhost.localdomain>"

    # Models.
    models: Annotated[tuple[str, ...], NoDecode] = ()
    model_config_dirs: Annotated[tuple[Path, ...], NoDecode] = ()

    # Limits. Requests per minute, tokens are counted elsewhere.
    requests_per_minute: int = Field(default=600, ge=1)
    logins_per_minute: int = Field(default=10, ge=1)
    registrations_per_hour: int = Field(default=20, ge=1)
    max_body_bytes: int = Field(default=8 * 1024 * 1024, ge=1024)
    max_concurrent_turns: int = Field(default=256, ge=1)
    # Tokens that a person may use who was given no budget of their own. Unset: as many as they like.
    budget_tokens_per_day: int | None = Field(default=None, ge=0)
    budget_tokens_per_month: int | None = Field(default=None, ge=0)

    # Deadlines, in seconds.
    engine_connect_timeout: float = Field(default=5.0, gt=0)
    engine_first_byte_timeout: float = Field(default=120.0, gt=0)
    engine_idle_timeout: float = Field(default=120.0, gt=0)
    turn_timeout: float = Field(default=900.0, gt=0)
    # How long an answer that broke off waits for an engine that goes on.
    continue_timeout: float = Field(default=180.0, gt=0)
    database_timeout: float = Field(default=10.0, gt=0)
    # After SIGTERM: how long requests are still taken while /readyz says 503; then, how long what runs may
    # take.
    drain_grace: float = Field(default=2.0, ge=0)
    drain_timeout: float = Field(default=20.0, gt=0)

    database_pool_size: int = Field(default=10, ge=2, le=200)

    # Kafka.
    kafka_topic_prefix: str = "headrace"
    kafka_enable_idempotence: bool = Field(default=True, validation_alias="KAFKA_ENABLE_IDEMPOTENCE")
    job_lease_seconds: float = Field(default=60.0, gt=1)

    # What we tell about ourselves.
    log_level: str = "INFO"
    log_format: str = Field(default="json", pattern="^(json|text)$")
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")

    @field_validator("trusted_proxies", "models", "model_config_dirs", "second_factor_roles", mode="before")
    @classmethod
    def _split_commas(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("budget_tokens_per_day", "budget_tokens_per_month", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: object) -> object:
        # What docker compose makes of a variable that is not there.
        return None if value == "" else value

    @field_validator("serve_url", "public_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _refuse_weak_secrets(self) -> Self:
        if len(self.internal_token.get_secret_value()) < MINIMUM_SECRET_LENGTH:
            raise ValueError(
                f"HEADRACE_INTERNAL_TOKEN must hold at least {MINIMUM_SECRET_LENGTH} random characters; "
                "make one with: openssl rand -hex 32"
            )
        return self

    @cached_property
    def embedded(self) -> bool:
        """Whether `headrace up` owns the dependencies of this process."""
        return self.mode is Mode.EMBEDDED

    @property
    def effective_registration(self) -> Registration:
        """Open on one's own machine, closed elsewhere, unless it was said otherwise."""
        return self.registration or (Registration.OPEN if self.embedded else Registration.CLOSED)

    @property
    def unverified_accounts_may_chat(self) -> bool:
        """Yes on one's own machine, no elsewhere, unless it was said otherwise."""
        return self.embedded if self.unverified_may_chat is None else self.unverified_may_chat

    @property
    def roles_with_second_factor(self) -> tuple[str, ...]:
        """Whose rights need a second factor."""
        if self.second_factor_roles is not None:
            return self.second_factor_roles
        return () if self.embedded else ("admin",)


def environment_names() -> frozenset[str]:
    """The variables that `Settings` reads, so that a deployment can be checked against them."""
    names = set()
    for field, info in Settings.model_fields.items():
        alias = info.validation_alias
        names.add(alias if isinstance(alias, str) else f"HEADRACE_{field.upper()}")
    return frozenset(names)
