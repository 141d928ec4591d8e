"""The door: which service answers which path, the API's documents, and whether all of it is ready.

In one process it dispatches by prefix, without rewriting, to the six apps. In production nginx does that, and this app
alone serves what belongs to no service. There is no proxy here.
"""

import asyncio
import base64
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi_standalone_docs import StandaloneDocs
from httpx2 import HTTPError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import observing, problems
from shared.clock import Clock
from shared.errors import Failure, Unavailable
from shared.guard import Doors
from shared.idempotency import once
from shared.observing import Observer
from shared.permission import Open, Visiting
from shared.rest import Directory
from shared.routing import Router, permission_of
from shared.settings import SERVICES, Settings
from shared.web import Health, NotReady, present, protect

DOCS = "/docs"
TITLE, VERSION = "Yaosu 要素", "0.1.0"
READINESS_SECONDS_MAX = 2.0
PROBLEM: dict[str, Any] = {
    "title": "Problem", "description": "RFC 9457, and beside it the facts that the caller needs.", "type": "object",
    "properties": dict.fromkeys(("type", "title", "detail", "code", "request_id"), {"type": "string"})
    | {"status": {"type": "integer"}},
    "required": ["type", "title", "status", "detail", "code", "request_id"], "additionalProperties": True,
}  # fmt: skip
REFUSALS: dict[int | str, dict[str, Any]] = {
    statuses: {
        "description": description,
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for statuses, description in (
        ("4XX", "Refused; nothing has changed."),
        ("5XX", "Whether it took effect is unknown: ask again, a write with the same key."),
    )
}
KEY: dict[str, Any] = {
    "name": "Idempotency-Key", "in": "header", "required": True, "description": "New for each write, the same again "
    "when it is sent again.", "schema": {"type": "string", "pattern": "^[!-~]{8,64}$"},
}  # fmt: skip
PREFIXES: Mapping[str, str] = {service: f"/{service}/" for service in SERVICES}


class Gateway:
    """Sends each request to the app whose prefix it has, and everything else to the front."""

    def __init__(self, front: FastAPI, apps: Mapping[str, ASGIApp]) -> None:
        self._front = front
        self._apps = {PREFIXES.get(name, f"/{name}/"): app for name, app in apps.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if "headers" in scope:
            scope["headers"] = observing.without_parent(scope["headers"])
        app = next((app for prefix, app in self._apps.items() if path.startswith(prefix)), self._front)
        await app(scope, receive, send)


def build(
    settings: Settings, directory: Directory, clock: Clock, lifespan: Any = None, observer: Observer | None = None
) -> FastAPI:  # fmt: skip
    """The front: `/docs`, `/openapi.json`, `/health/live`, and `/health/ready` over all services."""
    app = FastAPI(
        title=TITLE, version=VERSION, lifespan=lifespan, docs_url=DOCS, redoc_url=None,
        telemetry=observing.SILENT,
    )  # fmt: skip
    documents: dict[str, Any] = {}

    def openapi() -> dict[str, Any]:
        if not documents:
            documents.update(document())
        return documents

    app.openapi = openapi

    @app.get("/health/live", tags=["health"])
    async def live() -> Health:
        """Whether the process answers at all."""
        return Health(status="live")

    @app.get("/health/ready", tags=["health"])
    async def ready() -> Health:
        """Whether every service is ready. 503, naming those that are not, otherwise."""
        states = await asyncio.gather(*(_readiness(directory, service) for service in SERVICES))
        parts: dict[str, str] = dict(zip(SERVICES, states, strict=True))
        if any(state != "ready" for state in parts.values()):
            raise NotReady(parts=parts, retry_after_seconds=1)
        return Health(status="ready", parts=parts)

    StandaloneDocs(app)
    for kind in (Failure, HTTPException):
        app.add_exception_handler(kind, present)
    doors = Doors(settings.allowed_hosts, pages={DOCS: _policy_of_the_documents(app)})
    protect(app, settings, clock, doors, observer)
    return app


def _policy_of_the_documents(app: FastAPI) -> bytes:
    """What the page of the documents may load: its own parts, and the one script that stands in it, by its hash."""
    page = get_swagger_ui_html(
        openapi_url=f"{app.openapi_url}", title=f"{app.title} - Swagger UI",
        oauth2_redirect_url=app.swagger_ui_oauth2_redirect_url,
    )  # fmt: skip
    [script] = re.findall(rb"<script>(.*?)</script>", page.body, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    return (
        f"default-src 'none'; script-src 'self' 'sha256-{digest}'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ).encode()


@cache
def routers() -> Mapping[str, Router]:
    """All that can be asked, by service. Loaded once somebody wants the whole: a door alone needs none of it."""
    from services.audit.api import router as audit
    from services.catalog.api import router as catalog
    from services.delivery.api import router as delivery
    from services.identity.api import router as identity
    from services.pricing.api import router as pricing
    from services.trading.api import router as trading

    return {
        "identity": identity.router, "catalog": catalog.router, "pricing": pricing.router, "trading": trading.router,
        "delivery": delivery.router, "audit": audit.router,
    }  # fmt: skip


def document() -> dict[str, Any]:
    """All services in one OpenAPI document."""
    routes = [
        route.anew(tags=[service], responses=REFUSALS) for service, router in routers().items() for route in router.late
    ]
    told = get_openapi(
        title=TITLE, version=VERSION, routes=routes,
        description="An open exchange for data elements: catalogue, grades, pricing, trading, delivery, and a log that "
        "anyone can verify. Errors are RFC 9457 problem documents with a stable `code`. Answers are JSON, or the one "
        "kind that a route names, whatever `Accept` says. `RateLimit` and `RateLimit-Policy` say how often you may.",
    )  # fmt: skip
    told["components"]["schemas"]["Problem"] = PROBLEM
    told["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}
    for route in routes:
        for method in route.methods or ():
            _tell_of_headers(told["paths"][route.path_format][method.lower()], route.dependant)
    return told


def _tell_of_headers(operation: dict[str, Any], dependant: Dependant) -> None:
    """Add what is read from headers by hand, and so is unknown to the framework: the token, and the write's key."""
    permission = permission_of(dependant)
    if not isinstance(permission, Open):
        operation["security"] = [{"token": []}, *([{}] if isinstance(permission, Visiting) else [])]
    if any(inner.call is once for inner in dependant.dependencies):
        operation.setdefault("parameters", []).append(KEY)


async def _readiness(directory: Directory, service: str) -> str:
    try:
        async with asyncio.timeout(READINESS_SECONDS_MAX):  # in process, nothing else would end the wait
            response = await directory.connection(service).get("/health/ready")
    except (Unavailable, HTTPError, TimeoutError):
        return "away"
    return "ready" if response.is_success else "not ready"
