"""The two shapes that a market has: one process on SQLite, and six with a log-in each on one PostgreSQL."""

import base64
import json
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import make_url

from migrations.roles import LOG_INS, login_of
from shared.settings import SERVICES
from shared.signing import RandomSecret, SigningKey, new_token_key
from tests.crash.servers import Servers
from tests.support.postgres import fresh_database


@asynccontextmanager
async def on_sqlite(folder: Path, **settings: str) -> AsyncGenerator[Servers]:
    """`yaosu serve`: everything in one process, killed all at once."""
    async with Servers(folder).open() as servers:
        market = servers.add("market", {"YAOSU_VAR": str(folder / "market"), "YAOSU_MARKET_RULES": "demo"} | settings)
        market.settings["YAOSU_ISSUER"] = f"{market.url}/identity"
        await servers.start("market")
        yield servers


@asynccontextmanager
async def on_postgresql(
    folder: Path, server_dsn: str, replicas: tuple[str, ...] = (), through: int | None = None, **settings: str
) -> AsyncGenerator[Servers]:
    """`yaosu serve <service>` for each, and a custodian. Of a service in `replicas` there is a second process, under
    its name and `2`. `through`: the port by which they reach the database, where something stands between."""
    async with fresh_database(server_dsn) as dsn, Servers(folder).open() as servers:
        servers.dsn = dsn
        passwords = {name: secrets.token_urlsafe(32) for name in LOG_INS}
        var = {"YAOSU_VAR": str(folder / "market")}
        servers.add("prepare", var | {"YAOSU_DATABASE_URL": dsn, "CRASH_PASSWORDS": json.dumps(passwords)})
        await servers.run("prepare")
        del servers.servers["prepare"]
        for name in (*SERVICES, *(f"{name}2" for name in replicas)):
            servers.add(name, {})
        custodian = servers.add("custodian", {})
        urls = {name: servers.servers[name].url for name in SERVICES}
        custodian_key, platform_key = SigningKey.new(), SigningKey.new()
        told = var | settings | {
            "YAOSU_MARKET_RULES": "demo", "YAOSU_ISSUER": f"{urls['identity']}/identity",
            "YAOSU_SERVICE_URLS": json.dumps(urls), "YAOSU_CUSTODIAN_URL": custodian.url,
            "YAOSU_CUSTODIAN_PUBLIC_KEY": base64.b64encode(custodian_key.public).decode(),
        }  # fmt: skip
        drawn = {name: secrets.token_urlsafe(32) for name in SERVICES}
        own = {
            "identity": {"YAOSU_TOKEN_KEY": new_token_key(), "YAOSU_SERVICE_SECRETS": json.dumps(drawn)},
            "audit": {"YAOSU_LOG_KEY": SigningKey.new().pem(), "YAOSU_DISCLOSURE_KEY": RandomSecret.new().pem()},
            "catalog": {"YAOSU_CERTIFICATE_KEY": SigningKey.new().pem()},
            "trading": {"YAOSU_CUSTODIAN_SIGNING_KEY": platform_key.pem()},
            "delivery": {"YAOSU_PSEUDONYM_KEY": secrets.token_urlsafe(32)},
        }  # fmt: skip
        for name in servers.servers.keys() - {"custodian"}:
            service = name.removesuffix("2")
            url = make_url(dsn).set(username=login_of(service), password=passwords[login_of(service)])
            url = url if through is None else url.set(port=through)
            known = {"YAOSU_DATABASE_URL": url.render_as_string(hide_password=False)}
            secret = {"YAOSU_SERVICE_SECRET": drawn[service]}
            servers.servers[name].settings |= told | known | secret | own.get(service, {})
        custodian.settings |= var | {
            "CRASH_TRADING_URL": urls["trading"], "CRASH_CUSTODIAN_KEY": custodian_key.pem(),
            "CRASH_PLATFORM_KEY": platform_key.pem(),
        }  # fmt: skip
        await servers.start(*servers.servers)
        yield servers
