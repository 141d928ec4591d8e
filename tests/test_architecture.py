"""The shape of the code, checked like any other behaviour.

Every check is a function of a file's path and source that yields faults, each saying what to do instead; so that the
checks can be checked too, by planting one fault of each kind (the table at the end).
"""

import ast
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FACE = {"client", "events", "schemas"}  # what a service shows to its neighbours
CALLS = {  # whom a service may ask; everyone else's news is followed, which needs no import
    "identity": set[str](),
    "catalog": set[str](),
    "pricing": {"catalog"},
    "trading": {"catalog", "pricing", "audit"},
    "delivery": {"catalog", "trading"},
    "audit": set[str](),
}
SERVICE_PARTS = {"api", "jobs", "actions", "store", "tables", "client", "events", "schemas", "rules"}
BELOW = {  # for each room, the rooms of its own service that it may use beside itself
    "app": {*SERVICE_PARTS, "sandbox", "custodian", "verification"},
    "api": {"actions", "schemas"},
    "jobs": {"actions"},
    "actions": {
        "store",
        "events",
        "schemas",
        "rules",
        "sandbox",
        "dialect",
        "custodian",
        "verification",
        "witnesses",
        "supervision",
        "vault",
    },  # fmt: skip
    "client": {"schemas", "rules"},
    "store": {"tables", "rules"},
    "tables": {"rules"},
    "schemas": {"rules"},
    "events": {"rules"},
    "rules": set[str](),
}
EXTRA_ROOMS = {  # rooms that one service has for a reason of its own
    ("delivery", "inspector"): {"rules", "schemas"},  # a child process without network: reads what strangers wrote
    ("delivery", "dialect"): {"rules"},  # the part of SQL that buyers may write
    ("delivery", "sandbox"): {"rules", "schemas", "inspector"},  # starts that child, and ends it
    ("audit", "witnesses"): {"rules"},  # the port to those who watch over the log from outside
    ("audit", "supervision"): {"tables", "rules"},  # what supervisors have under way, apart from the log
    ("audit", "vault"): {"tables", "rules"},  # what can be erased, apart from the log, which only grows
    ("identity", "verification"): {"rules"},  # the port to those who know who is who
    ("trading", "custodian"): {"rules", "schemas"},  # the port to the institution that holds the money
}
PURE_SHARED = {
    "canonical",
    "delegation",
    "capitals",
    "errors",
    "facts",
    "grades",
    "ids",
    "kinds",
    "lifecycle",
    "metering",
    "money",
    "oversight",
    "spreadsheet",
}
PURE = {
    "abc", "base64", "binascii", "bisect", "collections", "dataclasses", "datetime", "decimal", "enum", "fractions",
    "functools", "hashlib", "heapq", "hmac", "itertools", "math", "operator", "re", "typing", "unicodedata", "uuid",
    "rjieba",  # a pure function over a dictionary of its own
    *(f"shared.{module}" for module in PURE_SHARED),
}  # fmt: skip
PURE_TOOLS = {"cn2an", "msgspec", "pydantic_core", "uuid_utils"}  # what the pure shared modules are made with
ANSWER = "raise an error of a family in shared/errors.py"
NEW_ID = "call the kind's own new(), as in AssetId.new()"
CALENDAR = "call shared.working_days.deadline_after"
CHILD = "let the inspector's child process read what strangers wrote"
TRACED = "let shared.observing make the span"
KNOWS_NUMBERS = {
    "services/delivery/inspector",
    "services/identity/schemas/words.py",
    "services/demo",
}  # of organisations
ONLY = {  # what is imported by these files alone, and what to do instead
    "jose":                  ({"shared/access.py"},                      "take an access.Verifier"),
    "cryptography":          ({"shared/signing.py", "shared/sealing.py"}, "call shared.signing or shared.sealing"),
    "structlog":             ({"shared/log.py"},                         "call logging.getLogger(__name__)"),
    "time":                  ({"shared/clock.py"},                       "take `now` as an argument, or a Clock"),
    "uuid_utils":            ({"shared/ids.py"},                         NEW_ID),
    "uuid.uuid1":            ({"shared/ids.py"},                         NEW_ID),
    "uuid.uuid4":            ({"shared/ids.py"},                         NEW_ID),
    "http.HTTPStatus":       ({"shared/problems.py"},                    ANSWER),
    "fastapi.HTTPException": ({"shared/problems.py"},                    ANSWER),
    "duckdb":                ({"services/delivery/inspector"},           CHILD),
    "pyarrow":               ({"services/delivery/inspector"},           CHILD),
    "phonenumbers":          ({"services/delivery/inspector"},           CHILD),
    "sqlglot":               ({"services/delivery/dialect.py"},          "call services.delivery.dialect.checked"),
    "stdnum":                (KNOWS_NUMBERS,                             CHILD),
    "rjieba":                ({"services/catalog/rules/words.py"},       "call services.catalog.rules.words"),
    "cn2an":                 ({"shared/capitals.py"},                    "call shared.capitals.in_capitals"),
    "typst":                 ({"shared/typesetting.py"},                 "call shared.typesetting.typeset"),
    "pyseccomp":             ({"services/delivery/inspector"},           CHILD),
    "chinese_calendar":      ({"shared/working_days.py"},                CALENDAR),
    "holidays":              ({"shared/working_days.py"},                CALENDAR),
    "prometheus_client":     ({"shared/metrics.py"},                     "count through shared.metrics.Metrics"),
    "opentelemetry.sdk":     ({"shared/traces.py"},                      TRACED),
    "opentelemetry.exporter": ({"shared/traces.py"},                     TRACED),
    "opentelemetry":         ({"shared/traces.py", "shared/observing.py"}, TRACED),
    "random":                ({"shared/rest.py", "services/demo"},       "draw with secrets, which nobody foresees"),
    "opendp":                ({"services/delivery/actions/noise.py"},    "draw noise there, once, and keep it"),
}  # fmt: skip
ASKS_OUTSIDE = {  # who opens connections, and to whom
    "shared/rest.py",                # to neighbours, the custodian and witnesses: at addresses of the settings alone
    "shared/outside.py",             # to the OpenID provider that the settings name, for its keys
    "services/certificate_check.py", "services/replay_check.py",  # a person's own programs, to the market they name
    "services/demo",                 # plays the people, in a process of its own
    "services/recovery/drill.py",    # the same, of a market that is lost and got back
}  # fmt: skip
ASKING = {
    "httpx2.AsyncClient", "httpx2.Client", "httpx2.AsyncHTTPTransport", "httpx2.HTTPTransport", "httpx2.get",
    "httpx2.post", "httpx2.request", "httpx2.stream", "urllib.request", "http.client", "socket", "requests", "aiohttp",
    "urllib3", "smtplib", "ftplib", "asyncio.open_connection", "asyncio.create_connection",
}  # fmt: skip
CLOCK_READERS = {"now", "utcnow", "today"}  # of datetime and date
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
CARRIED_ALONE = "verifier/yaosu_verify.py"  # the one file that may be longer, and why: docs/decisions/0005
UNFINISHED = ("TO" + "DO", "FIX" + "ME", "XX" + "X:", "HA" + "CK:")


def imports(source: str) -> Iterator[str]:
    """Everything a file imports, as dotted names: `from a.b import c` is a.b.c."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom():
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            case ast.Call(func=ast.Attribute(attr="import_module"), args=[ast.Constant(value=str(name)), *_]):
                yield name
            case _:
                pass


def within(name: str, places: Collection[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def home(path: str) -> tuple[str, str] | None:
    """The service and the room that a file belongs to; None for what is no part of a service."""
    match path.removesuffix(".py").split("/"):
        case ["services", service, room, *_] if service in CALLS:
            return service, room
        case _:
            return None


def rules_are_pure(path: str, source: str) -> Iterator[str]:
    match home(path):
        case service, "rules":
            own = f"services.{service}.rules"
            for name in imports(source):
                if not within(name, PURE | {own}):
                    yield f"a rule decides, it does not fetch, save or look: move what needs {name} to actions"
        case _:
            pass


def pure_shared_modules_are_pure(path: str, source: str) -> Iterator[str]:
    if path in {f"shared/{module}.py" for module in PURE_SHARED}:
        for name in imports(source):
            if not within(name, PURE | PURE_TOOLS):
                yield f"rules use this module, so it cannot use {name}: move that part to another shared module"


def rooms_look_down(path: str, source: str) -> Iterator[str]:
    match home(path):
        case None:
            return
        case service, room:
            below = BELOW.get(room, EXTRA_ROOMS.get((service, room)))
    if below is None:
        yield f"there is no room {room}: the rooms are {sorted(BELOW)}, as a file or as a folder of that name"
        return
    for name in imports(source):
        match name.split("."):
            case ["services", used_service, used, *_] if used_service == service and used not in below | {room}:
                yield f"{room} may not use {used}, only {sorted(below)}: move the code down, or the caller up"
            case _:
                pass


def services_meet_at_their_faces(path: str, source: str) -> Iterator[str]:
    match home(path):
        case None:
            return
        case service, room:
            pass
    for name in imports(source):
        match name.split("."):
            case ["services", neighbour, *rest] if neighbour in CALLS and neighbour != service:
                if neighbour not in CALLS[service]:
                    yield f"{service} never asks {neighbour}: follow its changes, with a small schema of your own"
                elif rest[:1] and rest[0] not in FACE:
                    yield f"{name} is inside {neighbour}: use services.{neighbour}.client"
                elif room not in {"app", "actions"}:
                    yield f"{room} asks no neighbour: let an action ask {neighbour}, before its transaction"
            case ["services", program, *_] if program not in CALLS:
                yield f"a service knows nothing of {program}: it is composed around services, not used by them"
            case _:
                pass


def shared_knows_no_service(path: str, source: str) -> Iterator[str]:
    if path.startswith("shared/"):
        for name in imports(source):
            if within(name, {"services"}):
                yield f"shared cannot know {name}: pass in what is needed of it"


def the_demo_is_a_stranger(path: str, source: str) -> Iterator[str]:
    if path.startswith("services/demo/") or path.startswith("services/custodian_"):
        for name in imports(source):
            if within(name, {f"services.{service}" for service in CALLS}):
                yield f"this stands outside the exchange and talks HTTP: it cannot import {name}"


def the_verifier_stands_alone(path: str, source: str) -> Iterator[str]:
    if path.startswith("verifier/"):
        for name in imports(source):
            if name.split(".")[0] not in sys.stdlib_module_names:
                yield f"the verifier must run with nothing installed: do without {name}"


def only_one_file_does_this(path: str, source: str) -> Iterator[str]:
    for name in imports(source):
        for wanted, (allowed, instead) in ONLY.items():
            if within(name, {wanted}) and not any(path == file or path.startswith(f"{file}/") for file in allowed):
                yield f"only {' and '.join(sorted(allowed))} may use {wanted}: {instead}"


def only_these_ask_outside(path: str, source: str) -> Iterator[str]:
    """So that nobody's input names whom we call: the few places that open a connection can be read."""
    if any(path == home or path.startswith(f"{home}/") for home in ASKS_OUTSIDE) or path.startswith("verifier/"):
        return
    for name in imports(source):
        if name == "httpx2" or within(name, ASKING):
            yield f"{name} opens connections: ask through a shared.rest.Peer, whose address the settings say"
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(attr="open_connection" | "create_connection" | "sock_connect")):
                yield f"line {node.lineno} opens a connection: ask through a shared.rest.Peer"
            case _:
                pass


def only_the_clock_reads_the_time(path: str, source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="datetime" | "date"), attr=attribute)):
                if attribute in CLOCK_READERS and path != "shared/clock.py":
                    yield f"line {node.lineno} reads the machine's clock: take `now` as an argument, or a Clock"
            case _:
                pass


def only_problems_knows_the_statuses_of_errors(path: str, source: str) -> Iterator[str]:
    if home(path) is None:
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.keyword(arg="status_code", value=ast.Constant(value=int(status))) if status >= 400:
                yield f"line {node.lineno} answers {status}: raise an error of a family in shared/errors.py"
            case ast.Compare(left=ast.Attribute(attr="status_code")):
                yield f"line {node.lineno} reads a status: ask with a RestClient, and catch the error's class"
            case _:
                pass


def only_stores_and_tables_know_sql(path: str, source: str) -> Iterator[str]:
    match home(path):
        case (_, "store" | "tables") | ("audit", "supervision" | "vault") | None:
            pass
        case _, room:
            for name in imports(source):
                if within(name, {"sqlalchemy", "sqlite3", "aiosqlite", "asyncpg"}):
                    yield f"{room} knows no SQL: ask a function of store that returns values, not {name}"


def a_file_is_read_in_one_sitting(path: str, source: str) -> Iterator[str]:
    lines = source.count("\n")
    if lines > FILE_LINES_MAX and path != CARRIED_ALONE:
        yield f"{lines} lines are more than {FILE_LINES_MAX}: split it by noun into a folder of the same name"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            length = node.end_lineno - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                yield f"{node.name} has {length} lines, more than {FUNCTION_LINES_MAX}: name its parts"


def nothing_is_left_for_later(path: str, source: str) -> Iterator[str]:
    for number, line in enumerate(source.splitlines(), start=1):
        if any(word in line for word in UNFINISHED):
            yield f"line {number} is unfinished: finish it, or open an issue and take the note out"


CHECKS: tuple[Callable[[str, str], Iterator[str]], ...] = (
    rules_are_pure, pure_shared_modules_are_pure, rooms_look_down, services_meet_at_their_faces,
    shared_knows_no_service, the_demo_is_a_stranger, the_verifier_stands_alone, only_one_file_does_this,
    only_these_ask_outside, only_the_clock_reads_the_time, only_problems_knows_the_statuses_of_errors,
    only_stores_and_tables_know_sql,
    a_file_is_read_in_one_sitting, nothing_is_left_for_later,
)  # fmt: skip
TESTS_TOO = (a_file_is_read_in_one_sitting, nothing_is_left_for_later)  # tests forge tokens and import everything


def python_files(*folders: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for folder in folders for path in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", python_files("services", "shared", "verifier"))
def test_code_keeps_its_shape(path: str):
    source = (ROOT / path).read_text()
    faults = [fault for check in CHECKS for fault in check(path, source)]
    assert not faults, "\n".join([path, *faults])


@pytest.mark.parametrize("path", python_files("tests", "bench", "supply"))
def test_tests_keep_their_size(path: str):
    source = (ROOT / path).read_text()
    faults = [fault for check in TESTS_TOO for fault in check(path, source)]
    assert not faults, "\n".join([path, *faults])


def test_folders_need_no_init_file():
    found = [path for path in python_files("services", "shared", "tests", "migrations") if path.endswith("__init__.py")]
    assert not found, f"remove {found}: every folder is a namespace package, with nothing to run on import"


@pytest.mark.parametrize("check, path, source", [
    (rules_are_pure, "services/trading/rules/auction.py", "import asyncio"),
    (rules_are_pure, "services/trading/rules/auction.py", "from services.trading.store import auction"),
    (rules_are_pure, "services/trading/rules/auction.py", "from shared.database import Database"),
    (pure_shared_modules_are_pure, "shared/money.py", "from shared.clock import Clock"),
    (rooms_look_down, "services/trading/store/auction.py", "from services.trading.actions import auction"),
    (rooms_look_down, "services/trading/api/auctions.py", "from services.trading import store"),
    (rooms_look_down, "services/trading/helpers.py", ""),
    (rooms_look_down, "services/pricing/inspector/child.py", ""),
    (rooms_look_down, "services/delivery/actions.py", "from services.delivery.inspector import detect"),
    (services_meet_at_their_faces, "services/trading/actions/order.py", "from services.pricing import store"),
    (services_meet_at_their_faces, "services/pricing/jobs.py", "from services.trading.client import TradingClient"),
    (services_meet_at_their_faces, "services/trading/store.py", "from services.catalog.client import CatalogClient"),
    (services_meet_at_their_faces, "services/trading/app.py", "from services.gateway import PREFIXES"),
    (shared_knows_no_service, "shared/web.py", "import services.catalog.client"),
    (the_demo_is_a_stranger, "services/demo/story.py", "from services.catalog.schemas import AssetView"),
    (the_verifier_stands_alone, "verifier/verify.py", "import cryptography"),
    (only_one_file_does_this, "services/identity/actions.py", "from jose import jwt"),
    (only_one_file_does_this, "services/trading/actions/order.py", "from uuid import uuid4"),
    (only_one_file_does_this, "services/delivery/actions.py", "import duckdb"),
    (only_one_file_does_this, "services/delivery/actions/statement.py", "from sqlglot import exp"),
    (only_one_file_does_this, "services/delivery/rules/cube.py", "importlib.import_module('opendp.prelude')"),
    (only_one_file_does_this, "services/catalog/rules/search.py", "import rjieba"),
    (only_one_file_does_this, "services/identity/actions/second_factor.py", "import random"),
    (only_one_file_does_this, "services/delivery/actions.py", "arrow = importlib.import_module('pyarrow')"),
    (only_these_ask_outside, "services/trading/actions/order.py", "from httpx2 import AsyncClient"),
    (only_these_ask_outside, "services/catalog/actions/access.py", "import httpx2"),
    (only_these_ask_outside, "services/delivery/actions/export.py", "from urllib.request import urlopen"),
    (only_these_ask_outside, "services/audit/witnesses.py", "asyncio.open_connection(host, 80)"),
    (only_the_clock_reads_the_time, "services/trading/jobs.py", "now = datetime.now(UTC)"),
    (only_problems_knows_the_statuses_of_errors, "services/trading/api.py", "answer(status_code=409)"),
    (only_problems_knows_the_statuses_of_errors, "services/trading/actions.py", "found = answer.status_code == 404"),
    (only_stores_and_tables_know_sql, "services/trading/actions/order.py", "from sqlalchemy import select"),
    (a_file_is_read_in_one_sitting, "shared/web.py", "\n" * 401),
    (a_file_is_read_in_one_sitting, "verifier/another.py", "\n" * 401),
    (a_file_is_read_in_one_sitting, "shared/web.py", "def long():\n" + "    pass\n" * 60),
    (nothing_is_left_for_later, "shared/web.py", "# TO" + "DO: later"),
])  # fmt: skip
def test_a_planted_fault_is_found(check: Callable[[str, str], Iterator[str]], path: str, source: str):
    assert list(check(path, source)), f"{check.__name__} says nothing of this in {path}:\n{source}"


@pytest.mark.parametrize("path, source", [
    ("services/trading/rules/auction.py", "from collections.abc import Mapping\nfrom shared.money import Money"),
    ("services/trading/actions/order.py", "from services.pricing.client import PricingClient"),
    ("services/trading/actions/order.py", "from services.trading import store"),
    ("services/trading/store/auction.py", "from sqlalchemy import select\nfrom services.trading.store import rows"),
    ("services/delivery/inspector/__main__.py", "import duckdb"),
    ("services/trading/api.py", "created(status_code=201)"),
    ("services/audit/witnesses.py", "from httpx2 import HTTPError, Response"),
    ("services/gateway.py", "from services.trading.app import build"),
])  # fmt: skip
def test_what_is_allowed_is_not_complained_of(path: str, source: str):
    assert not [fault for check in CHECKS for fault in check(path, source)]
