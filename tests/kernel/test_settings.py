"""Settings: nothing falls back to a secret that others know, and each that is wrong names itself."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import ValidationError

from shared.settings import SERVICES, Settings, with_development_secrets

LONG = "s3cret-" * 6
KEPT = ("token_key", "identity_key", "log_key", "custodian_signing_key", "pseudonym_key")
PRODUCTION = {
    "YAOSU_ENVIRONMENT": "production", "YAOSU_DATABASE_URL": "postgresql+asyncpg://yaosu:hunter2@host/yaosu",
    "YAOSU_TOKEN_KEY": LONG, "YAOSU_LOG_KEY": LONG, "YAOSU_SERVICE_SECRET": LONG,
    "YAOSU_SERVICE_SECRETS": f'{{"catalog": "{LONG}"}}',
}  # fmt: skip


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch):
    for name in ("DATABASE_URL", *(f"YAOSU_{field.upper()}" for field in Settings.model_fields)):
        monkeypatch.delenv(name, raising=False)


def from_environment(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> Settings:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_nothing_has_to_be_set_to_try_it_out():
    settings = Settings()
    assert (settings.environment, settings.database_url, settings.host) == ("development", None, "127.0.0.1")


def test_production_starts_on_what_it_was_brought(monkeypatch: pytest.MonkeyPatch):
    settings = from_environment(monkeypatch, PRODUCTION)
    assert settings.require_secret("token_key") == LONG
    assert settings.service_secrets["catalog"].get_secret_value() == LONG


def test_the_database_is_found_under_its_customary_name_too(monkeypatch: pytest.MonkeyPatch):
    settings = from_environment(monkeypatch, {"DATABASE_URL": "postgresql+asyncpg://yaosu@host/yaosu"})
    assert settings.database_url and settings.database_url.get_secret_value().endswith("@host/yaosu")


@pytest.mark.parametrize("name, value, named", [
    ("YAOSU_ENVIRONMENT",     "staging-7",          "environment"),
    ("YAOSU_ENVIRONMENT",     "",                   "environment"),
    ("YAOSU_DATABASE_URL",    "postgresql://yaosu:hunter2@host/yaosu", "database_url"),
    ("YAOSU_DATABASE_URL",    "mysql://hunter2",    "database_url"),
    ("YAOSU_MARKET_RULES",    "demo",               "market_rules"),
    ("YAOSU_MARKET_RULES",    "no-rules-7",         "market_rules"),
    ("YAOSU_ALLOWED_HOSTS",   '["host", "*"]',      "allowed_hosts"),
    ("YAOSU_TOKEN_KEY",       "short-7",            "token_key"),
    ("YAOSU_TOKEN_KEY_NEXT",  "short-7",            "token_key_next"),
    ("YAOSU_IDENTITY_KEY",    "short-7",            "identity_key"),
    ("YAOSU_SECOND_FACTOR",   "nobody",             "second_factor"),
    ("YAOSU_SECOND_FACTOR",   "short-7",            "second_factor"),
    ("YAOSU_TRUSTED_PROXIES", '["short-7"]',        "trusted_proxies.0"),
    ("YAOSU_LOG_INS_PER_NETWORK_MAX", "0",          "log_ins_per_network_max"),
    ("YAOSU_LOG_KEY",         "short-7",            "log_key"),
    ("YAOSU_DISCLOSURE_KEY",  "short-7",            "disclosure_key"),
    ("YAOSU_CERTIFICATE_KEY", "short-7",            "certificate_key"),
    ("YAOSU_NOTICE_DAYS",     "-1",                 "notice_days"),
    ("YAOSU_CUSTODIAN_SIGNING_KEY", "short-7",      "custodian_signing_key"),
    ("YAOSU_PSEUDONYM_KEY",   "short-7",            "pseudonym_key"),
    ("YAOSU_SERVICE_SECRET",  "short-7",            "service_secret"),
    ("YAOSU_SERVICE_SECRETS", '{"catalog": "short-7"}', "service_secrets[catalog]"),
    ("YAOSU_PORT",            "65536",              "port"),
    ("YAOSU_PORT",            "-1",                 "port"),
    ("YAOSU_PORT",            "port-7",             "port"),
    ("YAOSU_UPLOAD_BYTES_MAX", "0",                 "upload_bytes_max"),
    ("YAOSU_LOG_LEVEL",       "loud-7",             "log_level"),
])  # fmt: skip
def test_each_setting_that_is_wrong_names_itself_and_never_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
):
    with pytest.raises(ValidationError) as refused:
        from_environment(monkeypatch, PRODUCTION | {name: value})
    places = [".".join(map(str, found["loc"])) or found["msg"] for found in refused.value.errors()]
    assert len(places) == 1 and named in places[0].lower()
    assert not any(secret in str(refused.value) for secret in ("hunter2", "short-7", LONG))


def test_production_without_a_database_server_is_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValidationError, match="database_url"):
        from_environment(monkeypatch, {"YAOSU_ENVIRONMENT": "production"})


@pytest.mark.parametrize("environment, second_factor, required_of", [
    ("development", None,       "nobody"),
    ("development", "staff",    "staff"),
    ("production",  None,       "staff"),
    ("production",  "everyone", "everyone"),
])  # fmt: skip
def test_of_whom_a_second_factor_is_required(
    monkeypatch: pytest.MonkeyPatch, environment: str, second_factor: str | None, required_of: str
):
    told = {} if second_factor is None else {"YAOSU_SECOND_FACTOR": second_factor}
    settings = from_environment(monkeypatch, PRODUCTION | {"YAOSU_ENVIRONMENT": environment} | told)
    assert settings.second_factor_required_of == required_of


@pytest.mark.parametrize(
    "name", ["token_key", "identity_key", "log_key", "custodian_signing_key", "pseudonym_key", "service_secret"]
)
def test_a_secret_that_was_not_brought_has_no_default(monkeypatch: pytest.MonkeyPatch, name: str):
    settings = from_environment(monkeypatch, {n: v for n, v in PRODUCTION.items() if n != f"YAOSU_{name.upper()}"})
    with pytest.raises(ValueError, match=f"YAOSU_{name.upper()}"):
        settings.require_secret(name)  # pyright: ignore[reportArgumentType]


def test_development_secrets_are_refused_outside_development(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    settings = from_environment(monkeypatch, PRODUCTION | {"YAOSU_VAR": str(tmp_path)})
    with pytest.raises(ValueError, match="outside development"):
        with_development_secrets(settings)
    assert list(tmp_path.iterdir()) == []


def test_development_keys_are_kept_and_service_secrets_are_new_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    settings = from_environment(monkeypatch, {"YAOSU_VAR": str(tmp_path)})
    first, second = with_development_secrets(settings), with_development_secrets(settings)
    keys = [first.require_secret(name) for name in KEPT]
    assert keys == [second.require_secret(name) for name in KEPT]
    assert len(set(keys)) == len(KEPT)
    assert set(first.service_secrets) == set(SERVICES)
    assert first.service_secrets["trading"] != second.service_secrets["trading"]
    assert len({secret.get_secret_value() for secret in first.service_secrets.values()}) == len(SERVICES)


def test_no_secret_shows_when_settings_are_printed(monkeypatch: pytest.MonkeyPatch):
    settings = from_environment(monkeypatch, PRODUCTION)
    assert not any(secret in f"{settings!r}{settings}" for secret in ("hunter2", LONG))
