"""HTTP at every door of the market: what no route is about, and each must be held to (B-12, B-17 to B-20, T-12, T-38).

The doors are those of the apps' own routes. Nobody here needs to be anybody, so the market is the empty one.
"""

import json
import re
import shutil
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from shared.guard import HEADERS_MAX, SAFE_HEADERS
from shared.permission import Open
from shared.routing import permission_of
from shared.settings import SERVICES
from tests.support.clock import ToldClock
from tests.support.doors import CODE, Door, doors
from tests.support.raw import JSON, Answer, Header, ask
from tests.support.whole import WholeMarket, whole_market
from tests.support.writes import WRITES

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("http")]
KEY = (b"idempotency-key", b"key-" + b"0" * 28)
FRONT = ["/health/live", "/docs", "/docs/swagger-ui.css", "/openapi.json", "/nothing", "/"]
FROM_ELSEWHERE = (b"origin", b"https://evil.example")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def market(files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[WholeMarket]:
    folder = tmp_path_factory.mktemp("http")
    (folder / "market").mkdir()
    for service, file in files.items():
        shutil.copyfile(file, folder / "market" / f"{service}.db")
    async with whole_market(folder, ToldClock()) as market:
        yield market


def one_of_each() -> list[Door]:
    """A read and a write of each service, the write not open to all."""
    found: dict[tuple[str, bool], Door] = {}
    for door in doors():
        if door.method == "GET" or not isinstance(permission_of(door.route.dependant), Open):
            found.setdefault((door.service, door.method == "GET"), door)
    return list(found.values())


async def sent(market: WholeMarket, door: Door, *headers: Header, path: str = "", method: str = "") -> Answer:
    sample = WRITES.get(door.name)
    body = json.dumps(sample.body).encode() if sample and sample.body and not method else b""
    more = [KEY, JSON] if door.method != "GET" and not method else []
    return await ask(market.inside.door, method or door.method, path or door.path(), [*headers, *more], body)


def wrong_of(answer: Answer, *statuses: int) -> str | None:
    """What is wrong with a refusal, as one."""
    if answer.status not in statuses:
        return f"{answer.status} {answer.body[:120]!r}"
    problem = answer.document
    if answer.header(b"content-type") != b"application/problem+json" or not CODE.fullmatch(problem["code"]):
        return "no problem document"
    return wrong_headers_of(answer)


def wrong_headers_of(answer: Answer) -> str | None:
    names = [name for name, _ in answer.headers]
    if len(names) != len(set(names)):
        return f"a header twice: {sorted(names)}"
    missing = SAFE_HEADERS.keys() - set(names)
    allowed = [name for name in names if name.startswith(b"access-control-")]
    return f"without {missing}, with {allowed}" if missing or allowed else None


def after(more: str) -> Callable[[str], str]:
    return lambda path: path + more


def instead(other: str) -> Callable[[str], str]:
    """Where the version of the API stands."""
    return lambda path: path.replace("/v1/", other, 1)


OTHER_SPELLINGS: dict[str, Callable[[str], str]] = {  # that no route may answer
    "a slash after": after("/"), "two slashes after": after("//"), "two slashes before": lambda path: f"/{path}",
    "two slashes inside": instead("//v1/"), "a dot": instead("/./v1/"), "a way up": instead("/x/../v1/"),
    "a written way up": instead("/x/%2e%2e/v1/"), "a parameter": after(";a=b"), "a parameter inside": instead(";a/v1/"),
    "a written slash": instead("/v1%2f"), "a backslash": instead("/v1\\"), "a written backslash": instead("%5cv1/"),
    "a NUL after": after("%00"), "a break after": after("%0d%0a"), "a space after": after("%20"),
    "a tab after": after("%09"), "a byte of nothing": after("%ff"), "an overlong slash": after("%c0%af"),
    "a question mark": after("%3f"), "a hash": after("%23"), "an ending": after(".json"), "capitals": str.upper,
    "written twice": instead("/%2576%31/"), "wide letters": instead(quote("/ｖ１/")),
    "another version": instead("/v01/"),
}  # fmt: skip
IN_THE_LAST_PART = {"a space after", "a question mark", "a hash", "an ending"}  # which may be a bad id, or no act
WITH_A_FREE_END = re.compile(r"{\w+:path}$")  # whose last part takes slashes


async def test_a_path_has_one_spelling_and_no_other_reaches_its_route(market: WholeMarket):
    """B-12. Of the spellings each door gets every fifth, so that each is tried at many."""
    wrong, spellings, tried = list[str](), list(OTHER_SPELLINGS.items()), set[str]()
    for number, door in enumerate(door for door in doors() if not WITH_A_FREE_END.search(door.route.path)):
        for name, spelt in spellings[number % 5 :: 5]:
            path = spelt(door.path())
            if path != door.path():
                tried.add(name)
                refusals = (400, 401, 404, 405, 422) if name in IN_THE_LAST_PART else (400, 404)
                found = wrong_of(await sent(market, door, path=path), *refusals)
                wrong += [f"{door.name} as {path}: {found}"] if found else []
    assert tried == set(OTHER_SPELLINGS) and not wrong, "\n".join(wrong)


async def test_a_letter_that_is_written_as_a_number_is_decided_like_the_letter(market: WholeMarket):
    for door in one_of_each():
        spelt = door.path().replace("/v1/", "/%76%31/", 1)
        plain, written = await sent(market, door), await sent(market, door, path=spelt)
        assert (plain.status, plain.document | {"request_id": 0}) == (
            written.status,
            written.document | {"request_id": 0},
        )


VERBS = [
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "get",
    "Post",
    "PUT",
    "PATCH",
    "DELETE",
    "QUERY",
    "PROPFIND",
    "G E T",
    "要",
]


async def test_no_verb_but_its_own_reaches_a_route(market: WholeMarket):
    """B-17. What overrides a verb elsewhere changes nothing here."""
    offered: dict[str, set[str]] = {}
    for door in doors():
        offered.setdefault(door.path(), set()).add(door.method)
    wrong = list[str]()
    for number, (door, own) in enumerate((door, offered[door.path()]) for door in doors()):
        override = [(b"x-http-method-override", own.copy().pop().encode()), (b"x-method-override", b"POST")]
        for verb in VERBS[number % 3 :: 3]:
            if verb not in own:
                answer = await sent(market, door, *override, method=verb)
                found = wrong_headers_of(answer) if verb == "HEAD" else wrong_of(answer, 405)
                told = set((answer.header(b"allow") or b"").decode().split(", "))
                wrong += (
                    [f"{verb} {door.path()}: {found} {told}"]
                    if found or answer.status != 405 or not told <= own
                    else []
                )
    assert not wrong, "\n".join(wrong)


def bad_headers() -> Iterator[tuple[str, list[Header], int]]:
    """B-18."""
    yield "too many", [(b"x-%d" % number, b"1") for number in range(HEADERS_MAX + 1)], 431
    yield "too long a value", [(b"x-a", b"a" * 9_000)], 431
    yield "too long a name", [(b"x" * 9_000, b"a")], 431
    yield "too long a token", [(b"authorization", b"Bearer " + b"a" * 9_000)], 431
    for name in (b"authorization", b"acting-for", b"content-type", b"idempotency-key", b"range"):
        yield f"{name.decode()} twice", [(name, b"a"), (name, b"a")], 400
        yield f"{name.decode()} twice in two cases", [(name, b"a"), (name.upper(), b"b")], 400
    yield "two lengths", [(b"content-length", b"0"), (b"content-length", b"0")], 400
    yield "two ways to end", [(b"content-length", b"0"), (b"transfer-encoding", b"chunked")], 400
    yield "a length that is none", [(b"content-length", b"+1")], 400
    for host in (b"", b"evil.example", b"localhost/?x=", b"localhost@evil.example", b"localhost.evil.example",
                 b"evil.example:80", b"localhost:http", b"LOCALHOST", b"localhost ", b"localhost\t", b"localhost,evil",
                 b"localhost%00", b"127.1", b"0x7f.1", b"[::ffff:127.0.0.1]", b"\xff"):  # fmt: skip
        yield f"host {host!r}", [(b"host", host)], 400
    yield "two hosts", [(b"host", b"localhost"), (b"host", b"localhost")], 400


async def test_headers_that_could_be_read_two_ways_are_refused_at_every_service(market: WholeMarket):
    for door in one_of_each():
        for name, headers, status in bad_headers():
            answer = await ask(market.inside.door, door.method, door.path(), headers)
            assert wrong_of(answer, status) is None, f"{door.name}: {name}"


@pytest.mark.parametrize("header", [
    (b"x-forwarded-host", b"evil.example"), (b"x-forwarded-proto", b"https"), (b"x-forwarded-prefix", b"/x"),
    (b"x-original-url", b"/health/live"), (b"x-rewrite-url", b"/health/live"), (b"x-accel-redirect", b"/_content/x"),
    (b"forwarded", b"host=evil.example"), (b"expect", b"nothing"), (b"upgrade", b"h2c"),
    (b"connection", b"authorization"),
    (b"te", b"trailers"), (b"origin", b"null"), (b"referer", b"https://evil.example"), (b"cookie", b"a=b"),
    (b"accept", b"application/xml"), (b"accept", b"*/*;q=0"), (b"accept", b"\xff"), (b"accept-language", b"xx"),
    (b"accept-encoding", b"identity;q=0"), (b"if-match", b'"nothing"'), (b"if-match", b"*"), (b"if-none-match", b"*"),
    (b"if-modified-since", b"Thu, 01 Jan 2099 00:00:00 GMT"), (b"if-unmodified-since", b"never"),
    (b"prefer", b"return=minimal"),
    (b"range", b"bytes=0-0"), (b"max-forwards", b"0"), (b"via", b"1.1 evil"), (b"date", b"yesterday"),
], ids=repr)  # fmt: skip
async def test_a_header_that_means_nothing_here_changes_nothing(market: WholeMarket, header: Header):
    """B-19 among them: the answer is JSON whatever was asked for, which RFC 9110 12.5.1 allows and the API says."""
    for door in one_of_each():
        plain, with_it = await sent(market, door), await sent(market, door, header)
        assert (with_it.status, with_it.document | {"request_id": 0}) == (
            plain.status,
            plain.document | {"request_id": 0},
        )
        assert with_it.header(b"content-type") == plain.header(b"content-type")


async def test_every_door_answers_a_stranger_with_safe_headers_and_never_with_a_permission_to_share(
    market: WholeMarket,
):
    wrong = list[str]()
    for door in doors():
        answer = await sent(market, door, FROM_ELSEWHERE)
        found = wrong_headers_of(answer) or (None if answer.status < 500 else answer.status)
        wrong += [f"{door.name}: {found}"] if found else []
    assert not wrong, "\n".join(wrong)


async def test_no_site_may_ask_before_it_asks(market: WholeMarket):
    """A preflight gets no leave anywhere, so no page of elsewhere can send what is more than a form."""
    asked = [
        FROM_ELSEWHERE, (b"access-control-request-method", b"POST"),
        (b"access-control-request-headers", b"authorization, content-type, idempotency-key"),
    ]  # fmt: skip
    wrong = list[str]()
    for path in [*dict.fromkeys(door.path() for door in doors()), *FRONT]:
        answer = await ask(market.inside.door, "OPTIONS", path, asked)
        found = wrong_of(answer, 404, 405)
        wrong += [f"{path}: {found}"] if found else []
    assert not wrong, "\n".join(wrong)


async def test_the_front_has_the_same_headers_and_its_page_loads_only_its_own(market: WholeMarket):
    for path in FRONT:
        answer = await ask(market.inside.door, "GET", path, [FROM_ELSEWHERE])
        assert wrong_headers_of(answer) is None, path
        if path == "/openapi.json":
            assert "whatever `Accept` says" in answer.document["info"]["description"]
    page = await ask(market.inside.door, "GET", "/docs")
    policy = (page.header(b"content-security-policy") or b"").decode()
    assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-") and "unsafe-eval" not in policy
    inline = re.findall(rb"<script>(.*?)</script>", page.body, re.DOTALL)
    assert len(inline) == 1 and digest_of(inline[0]) in policy, "the page's own script would not run"
    assert not re.findall(rb"https?://", page.body)
    part = await ask(market.inside.door, "GET", "/docs/swagger-ui-bundle.js")
    assert part.header(b"content-security-policy") == SAFE_HEADERS[b"content-security-policy"]


def digest_of(script: bytes) -> str:
    return b64encode(sha256(script).digest()).decode()


async def test_every_app_stands_behind_a_guard_of_its_own(market: WholeMarket):
    for app in (*market.inside.apps.values(), market.inside.front):
        assert [each.cls.__name__ for each in app.user_middleware] == ["Guard"]  # pyright: ignore
    limits = {id(app.user_middleware[0].kwargs["rates"]) for app in market.inside.apps.values()}
    assert len(limits) == len(SERVICES), "each counts for itself"
