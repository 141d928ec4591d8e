"""Who gets in: every forged token at every service, by each way that a token is brought (B-70, T-05 to T-08, T-12).

The services are the real apps, their keys those that they fetch of identity, their tables empty and so to stay.
"""

import asyncio
import json
import shutil
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi.routing import APIRoute

from shared.access import Role
from shared.permission import Internal, Open, Permission, Visiting
from shared.quick import QuickRoute
from shared.routing import permission_of
from shared.settings import SERVICES
from shared.web import routes_of
from tests.support.clock import ToldClock
from tests.support.doors import Door, contents, doors
from tests.support.forged_tokens import NOT_READ, Forger, a_forger
from tests.support.raw import JSON, Answer, Header, ask
from tests.support.whole import WholeMarket, whole_market
from tests.support.writes import WRITES

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("tokens")]
by_service = pytest.mark.parametrize("service", SERVICES)
KEY = (b"idempotency-key", b"key-" + b"0" * 28)
IDENTITY_HEADERS = [
    (b"x-user-id", b"user_root"), (b"x-user", b"root"), (b"x-forwarded-user", b"root"), (b"remote-user", b"root"),
    (b"x-remote-user", b"root"), (b"x-auth-request-user", b"root"), (b"x-forwarded-email", b"root@yaosu"),
    (b"x-roles", b"operator_security"), (b"x-role", b"operator_security"), (b"x-forwarded-groups", b"operators"),
    (b"x-tenant-id", b"participant_" + b"0" * 32), (b"x-organisation", b"yaosu"), (b"x-authenticated", b"true"),
    (b"x-client-cert", b"MIIB"), (b"x-forwarded-client-cert", b"Subject=CN=trading"),
    (b"x-ssl-client-verify", b"SUCCESS"),
    (b"x-forwarded-for", b"127.0.0.1"), (b"x-real-ip", b"127.0.0.1"), (b"forwarded", b"for=127.0.0.1;proto=https"),
    (b"x-original-url", b"/health/live"), (b"x-rewrite-url", b"/health/live"), (b"x-api-key", b"root"),
    (b"cookie", b"session=root; token=root"), (b"proxy-authorization", b"Basic cm9vdDpyb290"),
]  # fmt: skip


@dataclass(frozen=True)
class Forgers:
    """Of tokens for people, and of tokens for each service."""

    people: Forger
    services: Mapping[str, Forger]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[WholeMarket]:
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "market").mkdir()
    for service, file in files.items():
        shutil.copyfile(file, folder / "market" / f"{service}.db")
    async with whole_market(folder, ToldClock()) as market:
        await market.settle()
        for core in market.inside.cores.values():
            for audience in SERVICES:
                await core.tokens.token(audience)  # kept from now on, since each one that is issued is a fact
        before = await contents(market)
        yield market
        assert await contents(market) == before, "somebody who was refused has changed something"


@pytest.fixture(scope="module")
def forgers(market: WholeMarket) -> Forgers:
    core = market.inside.cores["identity"]
    assert core.issuer
    secrets = tuple(secret.get_secret_value() for secret in core.settings.service_secrets.values())
    pem, key_id, issuer = core.settings.require_secret("token_key"), core.issuer.key_id, core.settings.issuer
    now = market.clock.now()
    people = a_forger(
        pem, key_id, issuer, now, sub="user_root", audience="yaosu", roles=sorted(set(Role) - {Role.SERVICE}),
        secrets=secrets, others=SERVICES,
    )  # fmt: skip
    services = {
        service: a_forger(
            pem, key_id, issuer, now, sub="service:trading", audience=service, roles=["service"], secrets=secrets,
            others=("yaosu", *(other for other in SERVICES if other != service)),
        )
        for service in SERVICES
    }  # fmt: skip
    return Forgers(people, services)


def kind_of(door: Door) -> str:
    if isinstance(door.route, QuickRoute):
        return "Quick"
    permission = permission_of(door.route.dependant)
    return type(permission).__name__ if permission else ""


def with_token(door: Door) -> bool:
    return not isinstance(permission_of(door.route.dependant), Open)


def all_doors(market: WholeMarket) -> list[Door]:
    """With the change feed, which every service has and the documents do not show."""
    feeds = [
        Door(service, "GET", route) for service, app in market.inside.apps.items() for route in routes_of(app.router)
        if isinstance(route, APIRoute) and route.path == f"/{service}/v1/changes"
    ]  # fmt: skip
    assert len(feeds) == len(SERVICES)
    return [*doors(), *feeds]


def of_each_kind(market: WholeMarket, service: str) -> list[Door]:
    """One door for each way in which a permission is asked for; a read, if there is one."""
    found: dict[str, Door] = {}
    for door in sorted(all_doors(market), key=lambda door: door.method != "GET"):
        if door.service == service and with_token(door):
            found.setdefault(kind_of(door), door)
    return list(found.values())


def body_of(door: Door) -> bytes:
    sample = WRITES.get(door.name)
    return json.dumps(sample.body).encode() if sample and sample.body else b""


def bearing(token: str, header: bytes = b"authorization") -> Header:
    return header, f"Bearer {token}".encode("utf-8", "surrogatepass")


async def sent(market: WholeMarket, door: Door, *headers: Header) -> Answer:
    more = [] if door.method == "GET" else [KEY, JSON]
    return await ask(market.inside.door, door.method, door.path(), [*headers, *more], body_of(door))


def refusal(answer: Answer) -> tuple[int, dict[str, Any], dict[bytes, bytes]]:
    """All of it but what is of this one request."""
    headers = {name: value for name, value in answer.headers if name not in {b"x-request-id", b"ratelimit"}}
    return answer.status, answer.document | {"request_id": None}, headers


INVALID = (
    b'Bearer realm="yaosu", error="invalid_token", error_description="This token is not valid here."'
)  # fmt: skip


def wrong_of(name: str, answer: Answer, usual: tuple[int, dict[str, Any], dict[bytes, bytes]]) -> str | None:
    if name in NOT_READ:
        return None if answer.status == 431 else f"{name}: {answer.status}"
    if refusal(answer) != usual:
        return f"{name}: {answer.status} {answer.body[:200]!r}"
    return None


async def test_there_are_forged_tokens_of_every_kind(forgers: Forgers):
    tokens = forgers.people.all()
    assert len(tokens) > 300 and len(set(tokens.values())) > 0.98 * len(tokens)
    assert forgers.people.token() not in tokens.values()


@by_service
async def test_no_forged_token_gets_anybody_in_anywhere(market: WholeMarket, forgers: Forgers, service: str):
    """Each way in refuses in one shape, and lets the good one in at the end. The rarer ways try every seventh."""
    wrong, tried = list[str](), set[bool]()
    for door in of_each_kind(market, service):
        is_internal = isinstance(permission_of(door.route.dependant), Internal)
        own, is_first = forgers.services[service] if is_internal else forgers.people, is_internal not in tried
        tried.add(is_internal)
        wrong += await refused(market, door, own.all(), 1 if is_first else 7)
        good = await sent(market, door, bearing(own.token()))
        assert good.status not in {400, 401} and good.status < 500, f"{door.name}: {good.body}"
    assert tried == {True, False}
    assert not wrong, "\n".join(wrong)


@by_service
async def test_nobody_is_acted_for_by_a_forged_token(market: WholeMarket, forgers: Forgers, service: str):
    feed = next(door for door in all_doors(market) if door.route.path == f"/{service}/v1/changes")
    neighbour = bearing(forgers.services[service].token())
    wrong = await refused(market, feed, forgers.people.all(), 1, b"acting-for", neighbour)
    good = await sent(market, feed, neighbour, bearing(forgers.people.token(), b"acting-for"))
    assert good.document["code"] == "not_admitted", "the platform's own people trade for nobody"
    assert not wrong, "\n".join(wrong)


async def refused(
    market: WholeMarket, door: Door, tokens: dict[str, str], step: int, header: bytes = b"authorization", *more: Header
) -> list[str]:
    """What is wrong with how a door refuses them: each in the very same way."""
    usual = refusal(await sent(market, door, bearing("x", header), *more))
    assert usual[0] == 401, door.name
    found = [
        wrong_of(name, await sent(market, door, bearing(token, header), *more), usual)
        for name, token in list(tokens.items())[::step]
    ]
    return [f"{door.name}: {each}" for each in found if each]


async def test_one_refusal_is_like_any_other_and_says_how_to_be_let_in(market: WholeMarket):
    shapes = Counter[str]()
    for service in SERVICES:
        for door in of_each_kind(market, service):
            status, document, headers = refusal(await sent(market, door, bearing("x")))
            assert headers[b"www-authenticate"] == INVALID
            shapes[repr((status, document, headers))] += 1
    assert len(shapes) == 1, shapes


async def test_every_door_that_asks_for_a_token_looks_at_it(market: WholeMarket, forgers: Forgers):
    """Each route, with a token of another key, with one of elsewhere, and with none."""
    wrong, seen = list[str](), 0
    people, another = forgers.people, forgers.people.all()["ES256 of another key"]
    for door in filter(with_token, all_doors(market)):
        answers = [
            await sent(market, door, bearing(another)),
            await sent(market, door, bearing("x"), *IDENTITY_HEADERS),
        ]
        if isinstance(permission_of(door.route.dependant), Internal):
            answers.append(await sent(market, door, bearing(people.token())))
        codes = [(answer.status, answer.document["code"]) for answer in answers]
        if kind_of(door) != Visiting.__name__:
            bare = await sent(market, door, *IDENTITY_HEADERS)
            assert bare.header(b"www-authenticate") == b'Bearer realm="yaosu"', door.name
            codes.append((bare.status, bare.document["code"].replace("unauthenticated", "invalid_token")))
        wrong += [f"{door.name}: {codes}"] if set(codes) != {(401, "invalid_token")} else []
        seen += 1
    assert seen > 250 and not wrong, "\n".join(wrong)


async def test_a_token_for_one_is_for_no_other(market: WholeMarket, forgers: Forgers):
    """Services by audiences: T-07."""
    internals = {s: next(d for d in of_each_kind(market, s) if kind_of(d) == "Internal") for s in SERVICES}
    for service, door in internals.items():
        for audience, forger in {**forgers.services, "yaosu": forgers.people}.items():
            answer = await sent(market, door, bearing(forger.token()))
            assert (answer.status == 401) == (audience != service), f"{door.name} with a token for {audience}"


SCHEMES = ["Basic {}", "Token {}", "JWT {}", "{}", "Bearer{}", "Bearer  {}", "Bearer\t{}", "Bearer: {}", "Bearer",
"Bearer ", "",
           " ", "Digest username={}", "Bearer Bearer {}", "Negotiate {}", "DPoP {}", "Bearer={}",
           "Bearer,{}"]  # fmt: skip


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_good_token_under_another_scheme_is_a_bad_one(market: WholeMarket, forgers: Forgers, scheme: str):
    for service in SERVICES:
        for door in of_each_kind(market, service):
            is_internal = isinstance(permission_of(door.route.dependant), Internal)
            token = (forgers.services[service] if is_internal else forgers.people).token()
            answer = await sent(market, door, (b"authorization", scheme.format(token).encode()))
            assert (answer.status, answer.document["code"]) == (401, "invalid_token"), door.name


async def test_two_credentials_at_once_are_no_credential(market: WholeMarket, forgers: Forgers):
    for service in SERVICES:
        for door in of_each_kind(market, service):
            good = bearing(forgers.people.token())
            for second in (good, bearing("x"), (b"Authorization", good[1]), (b"authorization", b"")):
                answer = await sent(market, door, good, second)
                assert (answer.status, answer.document["code"]) == (400, "bad_header"), door.name


def edges(forger: Forger) -> Iterator[tuple[str, dict[str, object], bool]]:
    now = forger.claims["iat"]
    yield "the last second of its life", {"iat": now - 599, "exp": now + 1}, True
    yield "its end", {"iat": now - 600, "exp": now}, False
    yield "as long a life as any", {"iat": now, "exp": now + 600}, True
    yield "a second longer", {"iat": now, "exp": now + 601}, False
    yield "as far ahead as a clock may be", {"iat": now + 30, "exp": now + 600}, True
    yield "a second further", {"iat": now + 31, "exp": now + 600}, False
    yield "no life at all", {"iat": now + 5, "exp": now + 5}, True


@by_service
async def test_a_token_is_good_to_the_second(market: WholeMarket, forgers: Forgers, service: str):
    internal = next(door for door in of_each_kind(market, service) if kind_of(door) == "Internal")
    forger = forgers.services[service]
    for name, change, is_good in edges(forger):
        answer = await sent(market, internal, bearing(forger.token(claims=forger.claims | change)))
        assert (answer.status != 401) == is_good, name


async def test_a_flood_of_bad_tokens_changes_nothing_for_good_ones(market: WholeMarket, forgers: Forgers):
    door = next(door for door in of_each_kind(market, "catalog") if kind_of(door) == "Internal")
    good, bad = bearing(forgers.services["catalog"].token()), list(forgers.people.all().values())[:50]
    answers = await asyncio.gather(
        *(sent(market, door, bearing(t)) for t in bad), *(sent(market, door, good) for _ in bad)
    )
    assert [answer.status == 401 for answer in answers] == [True] * len(bad) + [False] * len(bad)


async def test_every_way_of_asking_for_a_token_is_tried(market: WholeMarket):
    tried = {kind_of(door) for service in SERVICES for door in of_each_kind(market, service)}
    assert tried == {kind_of(door) for door in all_doors(market)} - {Open.__name__}
    assert issubclass(Visiting, Permission) and {"Visiting", "Internal", "Membership", "Quick"} <= tried
