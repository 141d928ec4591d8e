"""How the services are put together: all six in one process, or one of them among its neighbours.

Owns: the composition, and nothing else. What a service is made of stands in its own `app.py`.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from pwdlib.hashers import HasherProtocol
from starlette.types import ASGIApp

from migrations import schema
from services import custodian_sandbox, gateway
from services.audit import app as audit
from services.audit.client import AuditClient
from services.catalog import app as catalog
from services.catalog.client import CatalogClient
from services.delivery import app as delivery
from services.identity import app as identity
from services.identity.actions.staff import LogIn, bootstrap
from services.pricing import app as pricing
from services.pricing.client import PricingClient
from services.trading import app as trading
from services.trading.actions.evidence_log import AuditLog
from services.trading.client import TradingClient
from services.trading.custodian import RestCustodian
from shared.clock import Clock
from shared.core import Core, core_of, observer_of
from shared.database import Database
from shared.loop_watch import LoopWatch
from shared.observing import Observer
from shared.rest import Directory
from shared.settings import SERVICES, Settings
from shared.signing import SigningKey

if TYPE_CHECKING:  # loaded only where traces are told
    from shared.traces import Traces

BUILD: dict[str, Callable[[Core], FastAPI]] = {
    "identity": lambda core: identity.build(core),
    "catalog": lambda core: catalog.build(core),
    "pricing": lambda core: pricing.build(core, catalog=CatalogClient(core.peer("catalog"))),
    "trading": lambda core: trading.build(
        core,
        catalog=CatalogClient(core.peer("catalog")),
        pricing=PricingClient(core.peer("pricing")),
        custodian=RestCustodian(core.directory, instructing_key(core.settings), core.clock),
        log=AuditLog(AuditClient(core.peer("audit"))),
    ),
    "delivery": lambda core: delivery.build(
        core, catalog=CatalogClient(core.peer("catalog")), trading=TradingClient(core.peer("trading"))
    ),
    "audit": lambda core: audit.build(core),
}


@dataclass(frozen=True)
class Market:
    """Six services in one process. `door` is the whole, as a server serves it; `outside` plays the outside world."""

    door: ASGIApp
    front: FastAPI
    apps: dict[str, FastAPI]
    outside: dict[str, FastAPI]
    cores: dict[str, Core]
    observers: list[Observer]  # of all that counts in this process


def database_of(service: str, settings: Settings, clock: Clock) -> Database:
    """The service's own file under `var/`, or its own schema of the database that the settings name."""
    if settings.database_url is None:
        return Database(f"sqlite+aiosqlite:///{settings.var / service}.db", schema=service, clock=clock)
    return Database(settings.database_url.get_secret_value(), schema=service, clock=clock)


def directory_of(settings: Settings) -> Directory:
    """Where the neighbours are, when each service is a process of its own: at `service_urls`, or by their names."""
    urls = {service: f"http://{service}:8000" for service in SERVICES} | settings.service_urls
    return Directory(urls | outside_of(settings))


def outside_of(settings: Settings) -> dict[str, str]:
    """Where those are who are no services of ours."""
    urls = {"custodian": settings.custodian_url, "verification": settings.verification_url}
    return {name: url for name, url in urls.items() if url}


def instructing_key(settings: Settings) -> SigningKey:
    """What the custodian knows the platform by. Raises ValueError that names the setting."""
    return SigningKey.from_pem(settings.require_secret("custodian_signing_key"))


def build_service(service: str, settings: Settings, clock: Clock, traces: "Traces | None" = None) -> FastAPI:
    """One service by itself. Its tables must have been migrated before."""
    database = database_of(service, settings, clock)
    return BUILD[service](core_of(service, settings, clock, database, directory_of(settings), traces=traces))


def build_market(
    settings: Settings,
    clock: Clock,
    make_database: Callable[[str], Database] | None = None,
    *,
    staff: Sequence[LogIn] = (),
    hasher: HasherProtocol | None = None,
    traces: "Traces | None" = None,
) -> Market:
    """All six, found by each other without a network; tables are migrated and `staff` given log-ins at the start.

    Development also gets a custodian to play with, unless the settings name another; production names its own.
    """
    if settings.environment == "production" and settings.custodian_url is None:
        raise ValueError("custodian_url: set YAOSU_CUSTODIAN_URL; the sandbox holds no real money")
    directory = Directory(outside_of(settings))
    make_database = make_database or (lambda service: database_of(service, settings, clock))
    outside: dict[str, FastAPI] = {}
    if settings.custodian_url is None:
        outside["custodian"] = sandbox = custodian_sandbox.build(
            directory, clock, instructing_key(settings).public, file=settings.var / "custodian.jsonl"
        )
        settings = settings.model_copy(update={"custodian_public_key": sandbox.state.public_key})
    shared: dict[str, Any] = {"traces": traces, "loop_watch": LoopWatch(clock)}
    cores = {name: core_of(name, settings, clock, make_database(name), directory, **shared) for name in SERVICES}
    apps = {name: BUILD[name](core) for name, core in cores.items() if name != "identity"}
    apps = {"identity": identity.build(cores["identity"], hasher=hasher)} | apps
    for name, app in (apps | outside).items():
        directory.register(name, app)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(directory.close)
            for core in cores.values():  # all of them first: a service that runs reports to audit at once
                core.database.open()
                await schema.upgrade(core.database)
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            await bootstrap(apps["identity"].state.service, staff)
            yield

    observer = observer_of("gateway")
    observers = [observer, *(core.observer for core in cores.values() if core.observer)]
    front = gateway.build(settings, directory, clock, lifespan, observer)
    return Market(gateway.Gateway(front, apps | outside), front, apps, outside, cores, observers)
