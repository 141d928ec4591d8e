"""What an operator can set: one frozen object, read once from the environment and passed down.

Promises: outside development nothing falls back to a secret that others know, and the refusal names the setting, never
its value. Every name is `YAOSU_` and the field's name in capitals; `DATABASE_URL` is read too.
"""

import secrets
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.signing import RandomSecret, SigningKey, read_or_make

SERVICES = ("identity", "catalog", "pricing", "trading", "delivery", "audit")
SECRET_LENGTH_MIN = 32
NOTICE_DAYS_PRODUCTION = 5


class Settings(BaseSettings):
    model_config = SettingsConfigDict(
        env_prefix="YAOSU_", frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True
    )

    environment: Literal["development", "production"] = "development"
    # Where files are kept: databases, keys of development, content, scratch.
    var: Annotated[Path, AfterValidator(Path.absolute)] = Field(default=Path("var"), validate_default=True)
    # PostgreSQL for all services, one schema each; without it, an SQLite file each under `var`.
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("YAOSU_DATABASE_URL", "DATABASE_URL")
    )
    # `yaosu roles` alone: the passwords of PostgreSQL's log-ins, by their names.
    database_passwords: dict[str, SecretStr] = Field(default_factory=dict)
    # audit's alone: its database, by a role that can only read, for the self-monitor; without it, by a reading session.
    monitor_database_url: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]", "in-process")  # by which names we are asked
    issuer: str = "http://127.0.0.1:8000/identity"  # what stands in tokens as `iss`; the same for all services
    market_rules: Literal["standard", "demo"] = "standard"
    log_origin: str = "yaosu.example/log"  # the log's name in its checkpoints, for ever
    log_policy: Path | None = None  # C2SP tlog-policy: the log's key, its witnesses, and whose word suffices
    # How far the log's map of keys may fall behind it: what comes after the map is scanned by whoever checks an answer.
    index_snapshot_seconds: int = Field(default=600, gt=0)
    index_snapshot_entries: int = Field(default=1_000_000, gt=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    service_urls: dict[str, str] = Field(default_factory=dict)  # where neighbours are, if not at http://NAME:8000
    store_url: str | None = None  # where content is kept, e.g. s3://bucket/prefix; without it, under `var`
    accel: bool = False  # nginx stands before delivery, reads its contents, and sends what it may (deploy/nginx.conf)
    upload_bytes_max: int = Field(default=1024 * 1024 * 1024, gt=0)
    custodian_url: str | None = None
    custodian_public_key: str | None = None  # Ed25519, base64: verifies what the custodian calls back
    custodian_signing_key: SecretStr | None = None  # trading's alone. Ed25519, PEM: signs our instructions
    token_key: SecretStr | None = None  # identity's alone. P-256, PEM
    log_key: SecretStr | None = None  # audit's alone. Ed25519, PEM
    # audit's alone: what the keys of disclosed values are kept under. Without it, no service's disclosures are taken.
    disclosure_key: SecretStr | None = None
    retention_days: dict[str, int] = Field(default_factory=dict)  # audit: terms of the log longer than the law's
    log_pruning: bool = False  # audit: whether entries whose term is over are dropped
    certificate_key: SecretStr | None = None  # catalog's alone. Ed25519, PEM: signs registration certificates
    certificate_keys_retired: tuple[str, ...] = ()  # Ed25519, base64: public keys that certificates were signed with
    certificate_days: int = Field(default=3 * 365, gt=0, le=3_650)  # how long a registration is good for
    # How long a registration is under public notice first; without it, five days in production, none in development.
    notice_days: int | None = Field(default=None, ge=0, le=90)
    pseudonym_key: SecretStr | None = None  # delivery's alone: what the keys of pseudonyms are derived from
    service_secret: SecretStr | None = None  # each service's own, for tokens of its own
    service_secrets: dict[str, SecretStr] = Field(default_factory=dict)  # identity's alone: what the others bring

    @model_validator(mode="after")
    def _production_brings_its_own(self) -> Self:
        if self.environment == "production":
            if self.market_rules != "standard":
                raise ValueError("market_rules: the short windows of 'demo' are for development only")
            if self.database_url is None:
                raise ValueError("database_url: production needs PostgreSQL, e.g. postgresql+asyncpg://user@host/yaosu")
            if "*" in self.allowed_hosts:
                raise ValueError("allowed_hosts: name the hosts; any host at all is for development only")
            for name, secret in self._secrets().items():
                if secret is not None and len(secret.get_secret_value()) < SECRET_LENGTH_MIN:
                    raise ValueError(f"{name}: a secret has at least {SECRET_LENGTH_MIN} characters")
        if self.database_url is not None and not self.database_url.get_secret_value().startswith(
            ("postgresql+asyncpg://", "sqlite+aiosqlite://")
        ):
            raise ValueError("database_url: name the driver, e.g. postgresql+asyncpg://user@host/yaosu")
        return self

    @property
    def notice_days_in_force(self) -> int:
        if self.notice_days is not None:
            return self.notice_days
        return NOTICE_DAYS_PRODUCTION if self.environment == "production" else 0

    def require_secret(
        self,
        name: Literal[
            "token_key", "log_key", "certificate_key", "custodian_signing_key", "pseudonym_key", "service_secret"
        ],
    ) -> str:
        """A secret that must have been brought. Raises ValueError that names the setting."""
        secret: SecretStr | None = getattr(self, name)
        if secret is None:
            raise ValueError(f"{name}: set YAOSU_{name.upper()}; there is no default outside development")
        return secret.get_secret_value()

    def _secrets(self) -> dict[str, SecretStr | None]:
        named = {f"service_secrets[{name}]": secret for name, secret in self.service_secrets.items()}
        named |= {f"database_passwords[{name}]": secret for name, secret in self.database_passwords.items()}
        return {
            "token_key": self.token_key, "log_key": self.log_key, "disclosure_key": self.disclosure_key,
            "certificate_key": self.certificate_key,
            "custodian_signing_key": self.custodian_signing_key, "pseudonym_key": self.pseudonym_key,
            "service_secret": self.service_secret, **named,
        }  # fmt: skip


def with_development_secrets(settings: Settings) -> Settings:
    """The settings with what is missing filled in: keys kept under `var/keys`, service secrets for this run only.

    Requires the development environment, and that all services run in this process.
    """
    if settings.environment != "development":
        raise ValueError("environment: development secrets are refused outside development")
    keys = settings.var / "keys"
    return settings.model_copy(
        update={
            "token_key": settings.token_key or SecretStr(read_or_make(keys / "token.pem")),
            "log_key": settings.log_key or SecretStr(read_or_make(keys / "log.pem", SigningKey)),
            "disclosure_key": settings.disclosure_key or SecretStr(read_or_make(keys / "disclosure.key", RandomSecret)),
            "certificate_key": settings.certificate_key
            or SecretStr(read_or_make(keys / "certificate.pem", SigningKey)),
            "custodian_signing_key": settings.custodian_signing_key
            or SecretStr(read_or_make(keys / "custodian.pem", SigningKey)),
            "pseudonym_key": settings.pseudonym_key or SecretStr(read_or_make(keys / "pseudonym.key", RandomSecret)),
            "service_secrets": {name: SecretStr(secrets.token_urlsafe(32)) for name in SERVICES},
        }
    )
