"""The market as production runs it: a process per service, each with a log-in of its own to one PostgreSQL."""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from rich.console import Console
from sqlalchemy import make_url

from migrations.roles import LOG_INS, login_of
from services.demo import shelves
from services.demo.market import Market
from services.demo.people import Person, Refused
from services.demo.shelves import AVIATION
from shared.settings import SERVICES
from shared.signing import SigningKey, new_token_key
from tests.support.collector import Collector, collecting
from tests.support.ports import free_port
from tests.support.postgres import fresh_database
from tests.support.process import ServerProcess

DATABASE_PASSWORD = "of every log-in of the database, here"
FOREIGN_TRACE = "0af7651916cd43dd8448eb211c80319c"
PASSWORD = "a long pass phrase for the staff"
KEYS = {"audit": "YAOSU_LOG_KEY", "catalog": "YAOSU_CERTIFICATE_KEY", "trading": "YAOSU_CUSTODIAN_SIGNING_KEY"}
pytestmark = [pytest.mark.process, pytest.mark.xdist_group("process"), pytest.mark.timeout(180)]


@pytest.fixture
async def settings(postgres: str, tmp_path: Path) -> AsyncGenerator[dict[str, str]]:
    """What all processes are told, but for their own secrets; the tables are migrated and the staff have log-ins."""
    async with fresh_database(postgres) as dsn:
        told = {"YAOSU_DATABASE_URL": dsn, "YAOSU_VAR": str(tmp_path), "YAOSU_CUSTODIAN_URL": "http://127.0.0.1:9"}
        told["YAOSU_CUSTODIAN_PUBLIC_KEY"] = "O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik="
        passwords = json.dumps(dict.fromkeys(LOG_INS, DATABASE_PASSWORD))
        await run(told | {"YAOSU_DATABASE_PASSWORDS": passwords}, "roles")
        await run(told, "migrate")
        for login, role in (("security", "operator_security"), ("business", "operator_business")):
            own = {"YAOSU_DATABASE_URL": as_log_in(dsn, "identity"), "YAOSU_PASSWORD": PASSWORD}
            await run(told | own, "operator", login, role)
        yield told


@pytest.fixture
def collector() -> Generator[Collector]:
    with collecting() as collector:
        yield collector


def as_log_in(dsn: str, service: str) -> str:
    url = make_url(dsn).set(username=login_of(service), password=DATABASE_PASSWORD)
    return url.render_as_string(hide_password=False)


async def run(settings: dict[str, str], *command: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services", *command, env=os.environ | settings,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


def a_process(service: str, settings: dict[str, str], drawn: dict[str, str], folder: Path) -> ServerProcess:
    own: dict[str, str] = {}
    if service != "gateway":
        own["YAOSU_DATABASE_URL"] = as_log_in(settings["YAOSU_DATABASE_URL"], service)
        own["YAOSU_SERVICE_SECRET"] = drawn.get(service, "")
    if service == "identity":
        own |= {"YAOSU_TOKEN_KEY": new_token_key(), "YAOSU_SERVICE_SECRETS": json.dumps(drawn)}
    if service == "delivery":
        own["YAOSU_PSEUDONYM_KEY"] = secrets.token_urlsafe(32)
    if service in KEYS:
        own[KEYS[service]] = SigningKey.new().pem()
    return ServerProcess(folder / service, ("-m", "services", "serve", service), **(settings | own))


async def test_six_services_and_the_gateway_find_each_other_in_any_order_and_tell_one_trace_of_it(
    settings: dict[str, str], tmp_path: Path, collector: Collector
):
    drawn = {service: secrets.token_urlsafe(32) for service in SERVICES}
    servers = {name: a_process(name, settings, drawn, tmp_path) for name in (*SERVICES, "gateway")}
    urls = {name: server.base_url for name, server in servers.items()}
    shared_settings = {"YAOSU_SERVICE_URLS": json.dumps(urls), "YAOSU_ISSUER": f"{urls['identity']}/identity"}
    shared_settings |= {"YAOSU_TRACES_URL": collector.url, "YAOSU_TRACES_SHARE": "1"}
    try:
        for server in servers.values():
            server.settings |= shared_settings
        servers["pricing"].settings["YAOSU_METRICS_PORT"] = str(numbers_port := free_port())
        await asyncio.gather(*(server.start() for server in reversed(servers.values())))
        await admit_and_draft(urls, tmp_path)
        await read_the_numbers(urls["pricing"], numbers_port)
    finally:
        await asyncio.gather(*(server.stop() for server in servers.values()))
    assert collector.way_to("catalog: GET /catalog/v1/versions/{version_id}") == [
        "pricing: POST /pricing/v1/plans", "pricing: GET catalog", "catalog: GET /catalog/v1/versions/{version_id}"
    ]  # fmt: skip
    assert collector.way_to("pricing: POST /pricing/v1/plans") == ["pricing: POST /pricing/v1/plans"], (
        "whoever came by the door began a trace of their own"
    )
    sent = (PASSWORD.encode(), FOREIGN_TRACE.encode(), bytes.fromhex(FOREIGN_TRACE))
    assert not any(each in told for told in collector.bodies for each in sent)


async def read_the_numbers(url: str, port: int) -> None:
    """At a port of their own, and not by the one that the door leads to."""
    async with AsyncClient(timeout=20) as client:
        told = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
        assert (await client.get(f"{url}/metrics")).status_code == 404
    assert 'yaosu_http_requests_total{method="POST",route="/pricing/v1/plans",service="pricing"' in told
    assert 'yaosu_neighbour_requests_total{neighbour="catalog",outcome=' in told


async def admit_and_draft(urls: dict[str, str], folder: Path) -> None:
    """An admission in identity is known to catalog, and both their facts reach the log."""
    clients = {name: AsyncClient(base_url=url, timeout=20) for name, url in urls.items()}
    market = Market(clients["identity"], folder, Console(quiet=True))
    security = Person("security", clients["identity"])
    await security.log_in("security", PASSWORD)
    market.people = {"security": security}
    provider = await shelves.admit(market, AVIATION)
    at_catalog = provider.at(clients["catalog"])

    async def drafted() -> dict[str, Any] | None:
        about = {
            "title": "机场",
            "description": "代码与坐标",
            "theme": "transport",
            "keywords": ["民航"],
            "update_cycle": "monthly",
        }
        try:
            return await at_catalog.post("/catalog/v1/assets", about)
        except Refused as refused:
            assert refused.code == "not_admitted"
            return None

    asset = await market.until(drafted, bool, "catalog to hear of the admission")
    assert asset

    async def logged() -> bool:
        at_audit = provider.at(clients["audit"])
        return bool((await at_audit.get("/audit/v1/entries", object=asset["id"]))["items"])

    await market.until(logged, bool, "the draft to reach the log")
    from_outside = {"traceparent": f"00-{FOREIGN_TRACE}-00f067aa0ba902b7-01", "x-forwarded-for": "192.0.2.1"}
    clients["pricing"].headers.update(from_outside)
    plan: dict[str, Any] = {
        "mode": "raw",
        "kind": "one_off",
        "price": {"minor": 90_000, "currency": "CNY"},
        "discounts": [],
    }
    at_pricing, version_id = provider.at(clients["pricing"]), asset["versions"][0]["id"]

    async def priced() -> dict[str, Any] | None:
        try:
            return await at_pricing.post("/pricing/v1/plans", plan | {"version_id": version_id})
        except Refused as refused:
            assert refused.code == "not_admitted"
            return None

    assert await market.until(priced, bool, "pricing to hear of the admission")
    for client in clients.values():
        await client.aclose()
