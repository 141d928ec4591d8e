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

from migrations import newest
from services import gateway
from shared.clock import Clock
from shared.core import Core, core_of, observer_of
from shared.database import Database
from shared.loop_watch import LoopWatch
from shared.observing import Observer
from shared.rest import Directory
from shared.settings import SERVICES, Settings
from shared.signing import SigningKey

if TYPE_CHECKING:  # each loaded only where it is needed
    from services.identity.actions.staff import LogIn
    from shared.traces import Traces


# Each loads its own service when it builds it: of six, a process that is one of them holds one.


def _identity(core: Core, hasher: HasherProtocol | None = None) -> FastAPI:
    from services.identity import app

    return app.build(core, hasher=hasher)


def _catalog(core: Core) -> FastAPI:
    from services.catalog import app

    return app.build(core)


def _pricing(core: Core) -> FastAPI:
    from services.catalog.client import CatalogClient
    from services.pricing import app

    return app.build(core, catalog=CatalogClient(core.peer("catalog")))


def _trading(core: Core) -> FastAPI:
    from services.audit.client import AuditClient
    from services.catalog.client import CatalogClient
    from services.pricing.client import PricingClient
    from services.trading import app
    from services.trading.actions.evidence_log import AuditLog
    from services.trading.custodian import RestCustodian

    return app.build(
        core,
        catalog=CatalogClient(core.peer("catalog")),
        pricing=PricingClient(core.peer("pricing")),
        custodian=RestCustodian(core.directory, instructing_key(core.settings), core.clock),
        log=AuditLog(AuditClient(core.peer("audit"))),
    )


def _delivery(core: Core) -> FastAPI:
    from services.catalog.client import CatalogClient
    from services.delivery import app
    from services.trading.client import TradingClient

    clients = CatalogClient(core.peer("catalog")), TradingClient(core.peer("trading"))
    return app.build(core, catalog=clients[0], trading=clients[1])


def _audit(core: Core) -> FastAPI:
    from services.audit import app

    return app.build(core)


BUILD: dict[str, Callable[[Core], FastAPI]] = {
    "identity": _identity, "catalog": _catalog, "pricing": _pricing, "trading": _trading, "delivery": _delivery,
    "audit": _audit,
}  # fmt: skip


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
    url, most = settings.database_url.get_secret_value(), settings.connections_max
    return Database(url, schema=service, clock=clock, connections_max=most)


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
    staff: Sequence["LogIn"] = (),
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
        from services import custodian_sandbox

        outside["custodian"] = sandbox = custodian_sandbox.build(
            directory, clock, instructing_key(settings).public, file=settings.var / "custodian.jsonl"
        )
        settings = settings.model_copy(update={"custodian_public_key": sandbox.state.public_key})
    shared: dict[str, Any] = {"traces": traces, "loop_watch": LoopWatch(clock)}
    cores = {name: core_of(name, settings, clock, make_database(name), directory, **shared) for name in SERVICES}
    apps = {name: BUILD[name](core) for name, core in cores.items() if name != "identity"}
    apps = {"identity": _identity(cores["identity"], hasher)} | apps
    for name, app in (apps | outside).items():
        directory.register(name, app)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(directory.close)
            for core in cores.values():  # all of them first: a service that runs reports to audit at once
                core.database.open()
                await _migrate(core.database)
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            await _give_log_ins(apps["identity"], staff)
            yield

    observer = observer_of("gateway")
    observers = [observer, *(core.observer for core in cores.values() if core.observer)]
    front = gateway.build(settings, directory, clock, lifespan, observer)
    return Market(gateway.Gateway(front, apps | outside), front, apps, outside, cores, observers)


async def _migrate(database: Database) -> None:
    """On SQLite, what migrates is loaded only where something is to be migrated; PostgreSQL's rights are told anew."""
    if database.is_sqlite and await newest.is_reached(database):
        return
    from migrations import schema

    await schema.upgrade(database)


async def _give_log_ins(identity: FastAPI, staff: "Sequence[LogIn]") -> None:
    from services.identity.actions.staff import bootstrap

    await bootstrap(identity.state.service, staff)
