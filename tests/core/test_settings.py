"""Settings: the environment, checked once."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from core.settings import Mode, Registration, Settings, environment_names
from gateway.settings_report import explain

STRONG = "0123456789abcdef" * 2


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in environment_names():
        monkeypatch.delenv(name, raising=False)


def with_environment(monkeypatch: pytest.MonkeyPatch, **variables: str) -> Settings:
    for name, value in {"HEADRACE_INTERNAL_TOKEN": STRONG, **variables}.items():
        monkeypatch.setenv(name, value)
    return Settings()


@pytest.mark.parametrize("token", ["", "short", "x" * 31])
def test_a_weak_secret_is_refused_with_the_way_to_make_one(
    monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        with_environment(monkeypatch, HEADRACE_INTERNAL_TOKEN=token)
    report = explain(refused.value)
    assert "HEADRACE_INTERNAL_TOKEN" in report
    assert "openssl rand" in report
    if token:
        assert token not in report


def test_without_any_environment_nothing_starts() -> None:
    with pytest.raises(ValidationError):
        Settings()


def test_every_variable_is_read_under_its_documented_name(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_environment(
        monkeypatch,
        DATABASE_URL="postgresql://a:b@c/d",
        REDIS_URL="redis://e",
        KAFKA_BOOTSTRAP_SERVERS="f:1",
        SERVE_URL="http://g:2/",
        KAFKA_ENABLE_IDEMPOTENCE="false",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://h",
        HEADRACE_MODE="embedded",
        HEADRACE_PORT="1234",
        HEADRACE_MODELS=" simulated , smollm2-135m ,",
        HEADRACE_MODEL_CONFIG_DIRS="/one,/two",
        HEADRACE_TRUSTED_PROXIES="10.0.0.0/8",
        HEADRACE_REGISTRATION="invite",
    )
    assert made.database_url.get_secret_value() == "postgresql://a:b@c/d"
    assert made.redis_url.get_secret_value() == "redis://e"
    assert (made.kafka_bootstrap_servers, made.kafka_enable_idempotence) == ("f:1", False)
    assert made.serve_url == "http://g:2"
    assert made.otlp_endpoint == "http://h"
    assert (made.mode, made.port) == (Mode.EMBEDDED, 1234)
    assert made.models == ("simulated", "smollm2-135m")
    assert made.model_config_dirs == (Path("/one"), Path("/two"))
    assert made.trusted_proxies == ("10.0.0.0/8",)
    assert made.effective_registration is Registration.INVITE


def test_the_names_of_all_variables_are_known() -> None:
    names = environment_names()
    assert {"DATABASE_URL", "REDIS_URL", "HEADRACE_INTERNAL_TOKEN", "HEADRACE_PORT"} <= names
    assert len(names) == len(Settings.model_fields)
    assert all(name == name.upper() for name in names)


def test_secrets_do_not_show_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_environment(
        monkeypatch, DATABASE_URL="postgresql://a:hunter2@c/d", REDIS_URL="redis://:hunter3@e"
    )
    for text in (repr(made), str(made)):
        for secret in (STRONG, "hunter2", "hunter3"):
            assert secret not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEADRACE_PORT", "0"),
        ("HEADRACE_PORT", "65536"),
        ("HEADRACE_MODE", "cloud"),
        ("SERVE_URL", "ftp://x"),
        ("HEADRACE_PUBLIC_URL", "chat.example.org"),
        ("HEADRACE_LOG_FORMAT", "xml"),
        ("HEADRACE_TURN_TIMEOUT", "0"),
        ("HEADRACE_MAX_BODY_BYTES", "1"),
        ("HEADRACE_DATABASE_POOL_SIZE", "1"),
        ("HEADRACE_REGISTRATION", "maybe"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(ValidationError) as refused:
        with_environment(monkeypatch, **{name: value})
    assert name in explain(refused.value)


@pytest.mark.parametrize(
    ("mode", "registration", "may_chat"),
    [("embedded", Registration.OPEN, True), ("external", Registration.CLOSED, False)],
)
def test_what_was_not_said_is_open_at_home_and_closed_elsewhere(
    monkeypatch: pytest.MonkeyPatch, mode: str, registration: Registration, may_chat: bool
) -> None:
    made = with_environment(monkeypatch, HEADRACE_MODE=mode)
    assert made.effective_registration is registration
    assert made.unverified_accounts_may_chat is may_chat
    said = with_environment(monkeypatch, HEADRACE_UNVERIFIED_MAY_CHAT=str(not may_chat))
    assert said.unverified_accounts_may_chat is not may_chat


def test_settings_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    made = with_environment(monkeypatch)
    with pytest.raises(ValidationError):
        made.port = 1  # type: ignore[misc]
