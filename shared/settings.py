"""What an operator can set: one frozen object, read once from the environment and passed down.

Promises: outside development nothing falls back to a secret that others know, and the refusal names the setting, never
its value. Every name is `YAOSU_` and the field's name in capitals; `DATABASE_URL` is read too.
"""

import secrets
from collections.abc import Mapping
from datetime import date
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, AwareDatetime, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.bucket import Bucket, Encryption, bucket_of
from shared.database import CONNECTIONS_MAX
from shared.money import MINOR_MAX
from shared.rates import Kind, Policy
from shared.signing import RandomSecret, SigningKey, read_or_make

SERVICES = ("identity", "catalog", "pricing", "trading", "delivery", "audit")
SECRET_LENGTH_MIN = 32
SECRET_SIGNS_MIN = 8  # different ones
OFTEN_USED = {"admin", "changeme", "example", "password", "postgres", "secret", "yaosu"}
OWN_MACHINE = {"127.0.0.1", "localhost", "::1"}  # where a token needs no TLS to be kept from others
MINUTE_SECONDS = 60
PER_MINUTE_DEVELOPMENT = 1_000_000
PER_MINUTE_PRODUCTION = {Kind.ANONYMOUS: 6_000, Kind.READS: 12_000, Kind.WRITES: 3_000, Kind.BIDS: 6_000}
NOTICE_DAYS_PRODUCTION = 5
DORMANT_SHUT_DAYS_PRODUCTION = 180


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
    # PostgreSQL: how many connections a process may have for writing, and again for reading (docs/scaling.md).
    connections_max: int = Field(default=CONNECTIONS_MAX, gt=1)
    # `yaosu roles` alone: the passwords of PostgreSQL's log-ins, by their names.
    database_passwords: dict[str, SecretStr] = Field(default_factory=dict)
    # audit's alone: its database, by a role that can only read, for the self-monitor; without it, by a reading session.
    monitor_database_url: SecretStr | None = None
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]", "in-process")  # by which names we are asked
    # What stands in tokens as `iss`; the same for all services.
    issuer: str = Field(default="http://127.0.0.1:8000/identity", pattern=r"^https?://[^/?#]+(/[^?#]*)?$")
    # An OpenID provider that vouches for people of organisations in our place, and where its keys are: decision 26.
    outside_issuer: str | None = None
    outside_keys_url: str | None = None
    outside_roles_claim: str = "roles"
    outside_participant_claim: str = "participant_id"
    outside_strengths: dict[str, Literal["password", "totp"]] = Field(default_factory=dict)  # what its `acr` mean here
    behind_tls: bool = False  # TLS ends before us: browsers are told to come by it alone from now on
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()  # whose X-Forwarded-For is believed
    # How often a participant may ask a service in a minute; `anonymous`: a network address without a token.
    anonymous_per_minute: int | None = Field(default=None, gt=0)
    reads_per_minute: int | None = Field(default=None, gt=0)
    writes_per_minute: int | None = Field(default=None, gt=0)
    bids_per_minute: int | None = Field(default=None, gt=0)
    replicas: int = Field(default=1, ge=1, le=16)  # of a service; each gives its part of every quota above
    requests_in_flight_max: int = Field(default=1000, gt=0)  # of each service of a process; beyond, 503 at once
    market_rules: Literal["standard", "demo"] = "standard"
    trial: bool = False  # production's own set-up tried out on one machine: it may have the short windows of 'demo'
    log_origin: str = "yaosu.example/log"  # the log's name in its checkpoints, for ever
    log_policy: Path | None = None  # C2SP tlog-policy: the log's key, its witnesses, and whose word suffices
    # How far the log's map of keys may fall behind it: what comes after the map is scanned by whoever checks an answer.
    index_snapshot_seconds: int = Field(default=600, gt=0)
    index_snapshot_entries: int = Field(default=1_000_000, gt=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    # Where Prometheus reads what is counted: a port of its own, which no door leads to. Without it, nowhere.
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    # Where traces are sent, e.g. http://collector:4318/v1/traces (OTLP over HTTP, the extra 'traces'); and how many.
    traces_url: str | None = Field(default=None, pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$")
    traces_share: float = Field(default=0.01, ge=0, le=1)
    service_urls: dict[str, str] = Field(default_factory=dict)  # where neighbours are, if not at http://NAME:8000
    # Where content is kept, e.g. s3://bucket/market; without it, in a folder under `var`. The rest is delivery's alone.
    store_url: str | None = None
    store_endpoint: str | None = None  # of a store that speaks as S3 does; without it, Amazon's in the region
    store_region: str = "us-east-1"
    store_access_key: str | None = None
    store_secret_key: SecretStr | None = None
    store_encryption: Encryption | None = None  # how the store encrypts what it keeps; production asks for one
    store_kms_key: str | None = None  # which key, where that is aws:kms
    store_path_style: bool = True  # whether the bucket stands in the path, or in the name of the host
    accel: bool = False  # nginx stands before delivery, reads its contents, and sends what it may (deploy/nginx.conf)
    upload_bytes_max: int = Field(default=1024 * 1024 * 1024, gt=0)
    custodian_url: str | None = None
    custodian_public_key: str | None = None  # Ed25519, base64: verifies what the custodian calls back
    custodian_signing_key: SecretStr | None = None  # trading's alone. Ed25519, PEM: signs our instructions
    # What one person alone may pay out of a wallet in a day, in minor units, by the day in Beijing from which on, e.g.
    # {"2030-01-01": 5000000}; before, and without it, what the market rules say. More takes a second person.
    payout_limits: dict[date, Annotated[int, Field(ge=0, le=MINOR_MAX)]] = Field(default_factory=dict[date, int])
    # identity's alone: who tells whether an organisation and its representative are who they say. Without it, everyone
    # is confirmed in development, and looked at by hand in production.
    verification_url: str | None = None
    verification_key: SecretStr | None = None  # what it knows us by
    token_key: SecretStr | None = None  # identity's alone. P-256, PEM
    # To rotate it: name the next one here for an hour, then make it the token key and name the old one's public half
    # (base64 of its DER) below, with the moment since which no process signs with it. One that leaked: name it nowhere.
    token_key_next: SecretStr | None = None
    token_keys_retired: dict[str, AwareDatetime] = Field(default_factory=dict)
    # identity's alone: what second factors are sealed under, and pseudonyms derived from. Outlives every token key.
    identity_key: SecretStr | None = None
    # Of whom a second factor is required; without it, of the platform's staff in production, of nobody in development.
    second_factor: Literal["nobody", "staff", "everyone"] | None = None
    # What is asked of the staff's log-ins: djcp3 where the platform is rated 等保三级 (GB/T 22239-2019).
    security_profile: Literal["standard", "djcp3"] = "standard"
    # Of which classes of data merchants those who sell take a sponsor (保荐), unless they are of another class as well.
    sponsored_classes: tuple[
        Literal["party", "delivery", "assessment", "intermediary", "consulting", "other"], ...
    ] = ()
    # After how many days without a token an account is told of as dormant, and after how many it is shut; without the
    # second, after 180 in production, and in development never.
    dormant_days: int = Field(default=90, gt=0, le=3_650)
    dormant_shut_days: int | None = Field(default=None, gt=0, le=3_650)
    log_ins_per_network_max: int = Field(default=100, gt=0)  # that fail, in a quarter of an hour
    log_key: SecretStr | None = None  # audit's alone. Ed25519, PEM
    # To rotate it: name the next one here, let both sign for this long, then make it the log key and name none here.
    log_key_next: SecretStr | None = None
    log_key_overlap_days: int = Field(default=30, ge=0, le=3_650)
    # audit's alone: what the keys of disclosed values are kept under. Without it, no service's disclosures are taken.
    disclosure_key: SecretStr | None = None
    retention_days: dict[str, int] = Field(default_factory=dict)  # audit: terms of the log longer than the law's
    log_pruning: bool = False  # audit: whether entries whose term is over are dropped
    certificate_key: SecretStr | None = None  # catalog's alone. Ed25519, PEM: signs registration certificates
    certificate_keys_retired: tuple[str, ...] = ()  # Ed25519, base64: public keys that certificates were signed with
    answers_kept_days: int = Field(default=30, gt=0)  # how long a write that is sent again gets its first answer
    certificate_days: int = Field(default=3 * 365, gt=0, le=3_650)  # how long a registration is good for
    # How long a registration is under public notice first; without it, five days in production, none in development.
    notice_days: int | None = Field(default=None, ge=0, le=90)
    # Whether acts that bind an organisation take a fresh second factor; without it, in production they do.
    step_up: Literal["off", "required"] | None = None
    pseudonym_key: SecretStr | None = None  # delivery's alone: what the keys of pseudonyms are derived from
    service_secret: SecretStr | None = None  # each service's own, for tokens of its own
    service_secrets: dict[str, SecretStr] = Field(default_factory=dict)  # identity's alone: what the others bring

    @model_validator(mode="after")
    def _production_brings_its_own(self) -> Self:
        if self.environment == "production":
            self._require_what_production_needs()
            for name, secret in self._secrets().items():
                if secret is not None:
                    _require_strong(name, secret.get_secret_value())
        if (self.outside_issuer is None) != (self.outside_keys_url is None):
            raise ValueError("outside_issuer: name both the provider and outside_keys_url, or neither")
        if (bucket := self.bucket) and self.environment == "production":
            bucket.require_fit_for_production()
        if self.dormant_shut_days is not None and self.dormant_shut_days < self.dormant_days:
            raise ValueError("dormant_shut_days: an account is told of, by dormant_days, before it is shut")
        if self.outside_issuer == self.issuer:
            raise ValueError("outside_issuer: it has a name of its own")
        if self.database_url is not None and not self.database_url.get_secret_value().startswith(
            ("postgresql+asyncpg://", "sqlite+aiosqlite://")
        ):
            raise ValueError("database_url: name the driver, e.g. postgresql+asyncpg://user@host/yaosu")
        return self

    def _require_what_production_needs(self) -> None:
        if self.market_rules != "standard" and not self.trial:
            raise ValueError("market_rules: the short windows of 'demo' are for development and trials only")
        if self.database_url is None:
            raise ValueError("database_url: production needs PostgreSQL, e.g. postgresql+asyncpg://user@host/yaosu")
        url = urlsplit(self.database_url.get_secret_value())
        if url.password is not None and url.password.lower() in {*OFTEN_USED, (url.username or "").lower()}:
            raise ValueError("database_url: this password is one that others know")
        if not self.allowed_hosts or any("*" in host for host in self.allowed_hosts):
            raise ValueError("allowed_hosts: name each host; a wildcard is for development only")
        if self.log_level == "debug":
            raise ValueError("log_level: 'debug' tells of what is inside, and is for development only")
        if "issuer" not in self.model_fields_set:
            raise ValueError("issuer: say what stands in tokens as `iss`, e.g. https://market.example/identity")
        issuer = urlsplit(self.issuer)
        if issuer.scheme != "https" and issuer.hostname not in OWN_MACHINE:
            raise ValueError("issuer: production needs https, unless it is a trial on one machine")
        if self.trial and issuer.hostname not in OWN_MACHINE:
            raise ValueError("trial: whose issuer others can reach is no trial; a market keeps the standard's windows")
        if self.second_factor == "nobody":
            raise ValueError("second_factor: the platform's people need one; 'nobody' is for development only")
        if self.outside_keys_url is not None and not self.outside_keys_url.startswith("https://"):
            raise ValueError("outside_keys_url: keys are fetched over https")
        if any(network.prefixlen == 0 for network in self.trusted_proxies):
            raise ValueError("trusted_proxies: name your own; whoever believes everyone knows no address")

    @property
    def rates(self) -> Mapping[Kind, Policy]:
        told = {
            Kind.ANONYMOUS: self.anonymous_per_minute, Kind.READS: self.reads_per_minute,
            Kind.WRITES: self.writes_per_minute, Kind.BIDS: self.bids_per_minute,
        }  # fmt: skip
        production = self.environment == "production"
        usual = PER_MINUTE_PRODUCTION if production else dict.fromkeys(Kind, PER_MINUTE_DEVELOPMENT)
        quotas = {kind: max((told[kind] or usual[kind]) // self.replicas, 1) for kind in Kind}
        return {kind: Policy(kind, quota, MINUTE_SECONDS) for kind, quota in quotas.items()}

    @property
    def bucket(self) -> Bucket | None:
        """Where contents are, if not in a folder. Raises ValueError that names the setting."""
        if self.store_url is None:
            return None
        secret_key = self.store_secret_key.get_secret_value() if self.store_secret_key else None
        return bucket_of(
            self.store_url, endpoint=self.store_endpoint, region=self.store_region, access_key=self.store_access_key,
            secret_key=secret_key, encryption=self.store_encryption, kms_key=self.store_kms_key,
            is_path_style=self.store_path_style,
        )  # fmt: skip

    @property
    def notice_days_in_force(self) -> int:
        if self.notice_days is not None:
            return self.notice_days
        return NOTICE_DAYS_PRODUCTION if self.environment == "production" else 0

    @property
    def second_factor_required_of(self) -> Literal["nobody", "staff", "everyone"]:
        usual = "staff" if self.environment == "production" else "nobody"
        required_of = self.second_factor or usual
        return "staff" if required_of == "nobody" and self.security_profile == "djcp3" else required_of

    @property
    def dormant_shut_days_in_force(self) -> int | None:
        usual = max(DORMANT_SHUT_DAYS_PRODUCTION, self.dormant_days) if self.environment == "production" else None
        return self.dormant_shut_days or usual

    @property
    def requires_step_up(self) -> bool:
        return (self.step_up or ("required" if self.environment == "production" else "off")) == "required"

    def require_secret(
        self,
        name: Literal[
            "token_key",
            "identity_key",
            "log_key",
            "certificate_key",
            "custodian_signing_key",
            "pseudonym_key",
            "service_secret",
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
            "token_key": self.token_key, "token_key_next": self.token_key_next, "identity_key": self.identity_key,
            "log_key": self.log_key, "log_key_next": self.log_key_next, "disclosure_key": self.disclosure_key,
            "certificate_key": self.certificate_key,
            "custodian_signing_key": self.custodian_signing_key, "pseudonym_key": self.pseudonym_key,
            "service_secret": self.service_secret, "verification_key": self.verification_key,
            "store_secret_key": self.store_secret_key, **named,
        }  # fmt: skip


def _require_strong(name: str, secret: str) -> None:
    if len(secret) < SECRET_LENGTH_MIN:
        raise ValueError(f"{name}: a secret has at least {SECRET_LENGTH_MIN} characters")
    if len(set(secret)) < SECRET_SIGNS_MIN or any(word * 3 in secret.lower() for word in OFTEN_USED):
        raise ValueError(f"{name}: draw this secret at random; what it is now can be guessed")


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
            "identity_key": settings.identity_key or SecretStr(read_or_make(keys / "identity.key", RandomSecret)),
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
