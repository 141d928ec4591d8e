"""Settings: nothing falls back to a secret that others know, and each that is wrong names itself."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest
import typer
from pydantic import ValidationError

from services import __main__
from shared.access import KeySet, Verifier
from shared.settings import SERVICES, Settings, with_development_secrets
from tests.support.clock import ToldClock

LONG = "dRaWn-4t-r4nd0m-" * 3
KEPT = ("token_key", "identity_key", "log_key", "custodian_signing_key", "pseudonym_key")
PRODUCTION = {
    "YAOSU_ENVIRONMENT": "production", "YAOSU_DATABASE_URL": "postgresql+asyncpg://yaosu:hunter2@host/yaosu",
    "YAOSU_TOKEN_KEY": LONG, "YAOSU_LOG_KEY": LONG, "YAOSU_SERVICE_SECRET": LONG,
    "YAOSU_SERVICE_SECRETS": f'{{"catalog": "{LONG}"}}', "YAOSU_ISSUER": "https://market.example/identity",
}  # fmt: skip

BUCKET = {
    "YAOSU_STORE_URL": "s3://bucket/market", "YAOSU_STORE_ACCESS_KEY": "yaosu", "YAOSU_STORE_SECRET_KEY": LONG,
    "YAOSU_STORE_ENCRYPTION": "AES256",
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


def test_a_trial_of_production_on_ones_own_machine_may_have_short_windows(monkeypatch: pytest.MonkeyPatch):
    trial = {"YAOSU_TRIAL": "true", "YAOSU_MARKET_RULES": "demo", "YAOSU_ISSUER": "https://127.0.0.1:8443/identity"}
    settings = from_environment(monkeypatch, PRODUCTION | trial)
    assert (settings.environment, settings.market_rules, settings.requires_step_up) == ("production", "demo", True)


def test_the_database_is_found_under_its_customary_name_too(monkeypatch: pytest.MonkeyPatch):
    settings = from_environment(monkeypatch, {"DATABASE_URL": "postgresql+asyncpg://yaosu@host/yaosu"})
    assert settings.database_url and settings.database_url.get_secret_value().endswith("@host/yaosu")


def test_what_one_person_may_pay_out_in_a_day_is_set_by_the_day_from_which_it_holds(monkeypatch: pytest.MonkeyPatch):
    told = '{"2030-02-01": 7000000, "2031-01-01": 0}'
    limits = from_environment(monkeypatch, {"YAOSU_PAYOUT_LIMITS": told}).payout_limits
    assert limits == {date(2030, 2, 1): 7_000_000, date(2031, 1, 1): 0}


@pytest.mark.parametrize("name, value, named", [
    ("YAOSU_PAYOUT_LIMITS",   '{"2030-02-01": -1}', "payout_limits"),
    ("YAOSU_PAYOUT_LIMITS",   '{"2030-02-01": 1000000000000001}', "payout_limits"),
    ("YAOSU_PAYOUT_LIMITS",   '{"2030-02-30": 1}',  "payout_limits"),
    ("YAOSU_ENVIRONMENT",     "staging-7",          "environment"),
    ("YAOSU_ENVIRONMENT",     "",                   "environment"),
    ("YAOSU_DATABASE_URL",    "postgresql://yaosu:hunter2@host/yaosu", "database_url"),
    ("YAOSU_DATABASE_URL",    "mysql://hunter2",    "database_url"),
    ("YAOSU_MARKET_RULES",    "demo",               "market_rules"),
    ("YAOSU_MARKET_RULES",    "no-rules-7",         "market_rules"),
    ("YAOSU_TRIAL",           "true",               "trial"),
    ("YAOSU_DATABASE_URL",    "postgresql+asyncpg://yaosu:Yaosu@host/yaosu", "database_url"),
    ("YAOSU_DATABASE_URL",    "postgresql+asyncpg://market:market@host/yaosu", "database_url"),
    ("YAOSU_DATABASE_URL",    "postgresql+asyncpg://yaosu:postgres@host/yaosu", "database_url"),
    ("YAOSU_ALLOWED_HOSTS",   '["host", "*"]',      "allowed_hosts"),
    ("YAOSU_ALLOWED_HOSTS",   '["*.market.example"]', "allowed_hosts"),
    ("YAOSU_ALLOWED_HOSTS",   '["host", "market.*"]', "allowed_hosts"),
    ("YAOSU_ALLOWED_HOSTS",   "[]",                 "allowed_hosts"),
    ("YAOSU_LOG_LEVEL",       "debug",              "log_level"),
    ("YAOSU_ISSUER",          "",                   "issuer"),
    ("YAOSU_ISSUER",          "market.example",     "issuer"),
    ("YAOSU_ISSUER",          "http://market.example/identity", "issuer"),
    ("YAOSU_ISSUER",          "http://127.0.0.1.market.example/identity", "issuer"),
    ("YAOSU_ISSUER",          "https://market.example/identity?x=1", "issuer"),
    ("YAOSU_TRUSTED_PROXIES", '["0.0.0.0/0"]',      "trusted_proxies"),
    ("YAOSU_TRUSTED_PROXIES", '["10.0.0.0/8", "::/0"]', "trusted_proxies"),
    ("YAOSU_BIDS_PER_MINUTE", "0",                  "bids_per_minute"),
    ("YAOSU_REQUESTS_IN_FLIGHT_MAX", "0",           "requests_in_flight_max"),
    ("YAOSU_TOKEN_KEY",       "short-7" * 6,        "token_key"),
    ("YAOSU_LOG_KEY",         "a" * 64,             "log_key"),
    ("YAOSU_SERVICE_SECRET",  "changeme" * 8,       "service_secret"),
    ("YAOSU_TOKEN_KEY",       "short-7",            "token_key"),
    ("YAOSU_TOKEN_KEY_NEXT",  "short-7",            "token_key_next"),
    ("YAOSU_IDENTITY_KEY",    "short-7",            "identity_key"),
    ("YAOSU_SECOND_FACTOR",   "nobody",             "second_factor"),
    ("YAOSU_SECOND_FACTOR",   "short-7",            "second_factor"),
    ("YAOSU_TRUSTED_PROXIES", '["short-7"]',        "trusted_proxies"),
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
    ("YAOSU_STORE_URL",       "/srv/short-7",       "store_url"),
    ("YAOSU_STORE_URL",       "gs://short-7/market", "store_url"),
    ("YAOSU_STORE_URL",       "s3://Short-7",       "store_url"),
    ("YAOSU_STORE_URL",       "s3://bucket/../short-7", "store_url"),
    ("YAOSU_STORE_ENDPOINT",  "http://short-7.example", "store_endpoint"),
    ("YAOSU_STORE_ENDPOINT",  "http://127.0.0.1:8333", "store_endpoint"),
    ("YAOSU_STORE_ENDPOINT",  "https://yaosu:short-7@s3.example", "store_endpoint"),
    ("YAOSU_STORE_ENDPOINT",  "https://s3.example/short-7", "store_endpoint"),
    ("YAOSU_STORE_ENDPOINT",  "ftp://short-7",      "store_endpoint"),
    ("YAOSU_STORE_REGION",    "Short-7",            "store_region"),
    ("YAOSU_STORE_ACCESS_KEY", "",                  "store_access_key"),
    ("YAOSU_STORE_SECRET_KEY", "",                  "store_secret_key"),
    ("YAOSU_STORE_SECRET_KEY", "short-7",           "store_secret_key"),
    ("YAOSU_STORE_ENCRYPTION", "short-7",           "store_encryption"),
    ("YAOSU_STORE_ENCRYPTION", "aws:kms",           "store_kms_key"),
    ("YAOSU_STORE_KMS_KEY",   "short-7",            "store_kms_key"),
])  # fmt: skip
def test_each_setting_that_is_wrong_names_itself_and_never_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, named: str
):
    bucket = BUCKET if name.startswith("YAOSU_STORE_") else {}
    with pytest.raises(ValidationError) as refused:
        from_environment(monkeypatch, PRODUCTION | bucket | {name: value})
    places = {str(found["loc"][0]) if found["loc"] else found["msg"] for found in refused.value.errors()}
    assert len(places) == 1 and named in places.pop().lower()
    assert not any(secret in str(refused.value) for secret in ("hunter2", "short-7", LONG))


@pytest.mark.parametrize("name", ["YAOSU_ISSUER", "YAOSU_DATABASE_URL"])
def test_production_guesses_neither_who_it_is_nor_where_its_database_is(monkeypatch: pytest.MonkeyPatch, name: str):
    with pytest.raises(ValidationError, match=name.removeprefix("YAOSU_").lower()):
        from_environment(monkeypatch, {other: value for other, value in PRODUCTION.items() if other != name})


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8080/identity", "http://localhost/identity", "http://[::1]:1/i"])
def test_a_trial_of_production_on_one_machine_needs_no_tls(monkeypatch: pytest.MonkeyPatch, issuer: str):
    assert from_environment(monkeypatch, PRODUCTION | {"YAOSU_ISSUER": issuer}).issuer == issuer


@pytest.mark.parametrize("name, value", [
    ("YAOSU_LOG_LEVEL", "debug"), ("YAOSU_ALLOWED_HOSTS", '["*"]'), ("YAOSU_SERVICE_SECRET", "x"),
    ("YAOSU_TRUSTED_PROXIES", '["0.0.0.0/0"]'), ("YAOSU_ISSUER", "http://market.example/identity"),
])  # fmt: skip
def test_what_only_production_refuses_is_free_in_development(monkeypatch: pytest.MonkeyPatch, name: str, value: str):
    from_environment(monkeypatch, {name: value})


@pytest.mark.parametrize("name, value, named", [
    ("YAOSU_ALLOWED_HOSTS", '["*"]', "allowed_hosts"), ("YAOSU_ISSUER", "", "issuer"),
    ("YAOSU_LOG_LEVEL", "debug", "log_level"),
    ("YAOSU_SERVICE_SECRET", "short-7", "service_secret"),
])  # fmt: skip
def test_the_command_line_names_the_setting_and_ends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, named: str
):
    for each, told in (PRODUCTION | {name: value}).items():
        monkeypatch.setenv(each, told)
    with pytest.raises(typer.Exit) as ended:
        __main__._settings()  # pyright: ignore[reportPrivateUsage]
    said = capsys.readouterr().err
    assert (ended.value.exit_code, named in said, "short-7" in said) == (2, True, False)


def test_a_real_process_ends_at_once_and_names_the_setting(tmp_path: Path):
    bad = os.environ | PRODUCTION | {"YAOSU_ALLOWED_HOSTS": '["*.market.example"]', "YAOSU_VAR": str(tmp_path)}
    ended = subprocess.run(
        [sys.executable, "-m", "services", "serve", "catalog"], env=bad, capture_output=True, text=True
    )
    assert (ended.returncode, "allowed_hosts" in ended.stderr) == (2, True), ended.stderr
    assert "market.example" not in ended.stderr and not list(tmp_path.iterdir())


def test_an_audience_and_an_issuer_are_never_left_open():
    """Where a verifier compares only what it was told to compare, nothing told is everything allowed."""
    with pytest.raises(ValueError, match="issuer"):
        Verifier(nobody, "", ToldClock())
    with pytest.raises(ValueError, match="audience"):
        asyncio.run(Verifier(nobody, "https://market.example/identity", ToldClock()).caller("x", audience=""))


async def nobody() -> KeySet:
    return {"keys": []}


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


@pytest.mark.parametrize("told, address, is_plain", [
    ({}, "https://s3.us-east-1.amazonaws.com", False),
    ({"YAOSU_STORE_REGION": "cn-north-1"}, "https://s3.cn-north-1.amazonaws.com", False),
    ({"YAOSU_STORE_ENDPOINT": "https://s3.example:9000/"}, "https://s3.example:9000", False),
    ({"YAOSU_STORE_ENDPOINT": "https://s3.example", "YAOSU_STORE_PATH_STYLE": "0"}, "https://bucket.s3.example", False),
    ({"YAOSU_STORE_ENDPOINT": "http://localhost:83", "YAOSU_ENVIRONMENT": "development"}, "http://localhost:83", True),
])  # fmt: skip
def test_where_requests_for_contents_go(
    monkeypatch: pytest.MonkeyPatch, told: Mapping[str, str], address: str, is_plain: bool
):
    bucket = from_environment(monkeypatch, PRODUCTION | BUCKET | dict(told)).bucket
    assert bucket and (bucket.address, bucket.is_plain) == (address, is_plain)
    assert (bucket.name, bucket.prefix, bucket.kms_key) == ("bucket", "market", None) and LONG not in repr(bucket)


def test_a_key_of_the_store_is_named_with_its_kind_of_encryption(monkeypatch: pytest.MonkeyPatch):
    told = BUCKET | {"YAOSU_STORE_ENCRYPTION": "aws:kms", "YAOSU_STORE_KMS_KEY": "arn:aws-cn:kms:cn-north-1:1:key/2"}
    bucket = from_environment(monkeypatch, PRODUCTION | told).bucket
    assert bucket and (bucket.encryption, bucket.kms_key) == ("aws:kms", "arn:aws-cn:kms:cn-north-1:1:key/2")


def test_production_keeps_nothing_in_a_bucket_that_does_not_encrypt(monkeypatch: pytest.MonkeyPatch):
    told = {name: value for name, value in BUCKET.items() if name != "YAOSU_STORE_ENCRYPTION"}
    with pytest.raises(ValidationError, match="store_encryption"):
        from_environment(monkeypatch, PRODUCTION | told)
    assert from_environment(monkeypatch, told | {"YAOSU_ENVIRONMENT": "development"}).bucket
