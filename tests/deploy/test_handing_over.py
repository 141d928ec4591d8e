"""Contents that nginx sends: what delivery decides and records, what a client gets, and what nobody can reach.

With a real nginx on deploy/nginx.conf; skipped where the machine has none.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from httpx2 import AsyncClient

from services.delivery.rules import delivery as delivery_rules
from shared.grades import C3, C5, G1, G2, G3, G4, Grade
from shared.ids import EntitlementId
from tests.delivery.desk import ONE_DATABASE, Desk, deal, desk
from tests.delivery.made_files import LARGE, PLACES
from tests.delivery.test_sockets import connected
from tests.support.bench import Bench, Person
from tests.support.nginx import NO_NGINX, PROGRAM, nginx

with_nginx = pytest.mark.skipif(PROGRAM is None, reason=NO_NGINX)
pytestmark = [ONE_DATABASE, pytest.mark.process, pytest.mark.timeout(120)]
SIZE = len(PLACES)
ETAG = f'"{sha256(PLACES).hexdigest()}"'


@dataclass(frozen=True)
class Door:
    """A delivery service that hands over, and what stands before it."""

    desk: Desk
    folder: Path

    @property
    def kept(self) -> list[str]:
        return [path.name for path in self.contents.iterdir()]

    @property
    def contents(self) -> Path:
        return self.folder / "delivery/content/content"

    @asynccontextmanager
    async def opened_to(self, person: Person) -> AsyncGenerator[AsyncClient]:
        self.contents.mkdir(parents=True, exist_ok=True)
        async with connected(self.desk, person) as inside:
            port = inside.base_url.port
            assert port
            async with nginx(self.folder / "nginx", port, self.contents) as url:
                headers = {"Authorization": inside.headers["Authorization"]}
                async with AsyncClient(base_url=url, headers=headers, timeout=20) as client:
                    yield client


@pytest.fixture
async def door(bench: Bench, tmp_path: Path) -> AsyncGenerator[Door]:
    bench.settings = bench.settings.model_copy(update={"accel": True})
    async with desk(bench, tmp_path) as one:
        yield Door(one, tmp_path)


def path(entitlement_id: EntitlementId) -> str:
    return f"/delivery/v1/entitlements/{entitlement_id}/content"


@with_nginx
async def test_nginx_sends_the_whole_or_the_part_with_all_that_is_known_of_it(door: Door):
    buyer, entitlement_id, version_id = await deal(door.desk)
    async with door.opened_to(buyer) as client:
        whole = await client.get(path(entitlement_id))
        part = await client.get(
            path(entitlement_id), headers={"Range": "bytes=100-199", "Use-Id": whole.headers["Use-Id"]}
        )
        suffix = await client.get(path(entitlement_id), headers={"Range": "bytes=-7"})
    assert (whole.status_code, whole.content) == (200, PLACES)
    assert (part.status_code, part.content) == (206, PLACES[100:200]) and suffix.content == PLACES[-7:]
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert part.headers["Content-Range"] == f"bytes 100-199/{SIZE}"
    digest = base64.b64encode(sha256(PLACES).digest()).decode()
    for answer in (whole, part):
        told = {name: answer.headers.get(name) for name in (
            "ETag", "Repr-Digest", "Cache-Control", "X-Content-Type-Options", "Last-Modified",
            "X-Accel-Redirect", "Content-Type", "Use-Id",
        )}  # fmt: skip
        assert told == {
            "ETag": ETAG, "Repr-Digest": f"sha-256=:{digest}:", "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff", "Last-Modified": None, "X-Accel-Redirect": None,
            "Content-Type": "text/csv; charset=utf-8", "Use-Id": whole.headers["Use-Id"],
        }  # fmt: skip
        assert f'filename="{version_id}.csv"' in answer.headers["Content-Disposition"]
        assert answer.headers["Delivery-Id"] and answer.headers["X-Request-Id"]


@with_nginx
async def test_what_nginx_sends_was_recorded_as_handed_over(door: Door):
    buyer, entitlement_id, _ = await deal(door.desk)
    async with door.opened_to(buyer) as client:
        first = await client.get(path(entitlement_id), headers={"Range": "bytes=0-99"})
        await client.get(path(entitlement_id), headers={"Range": "bytes=100-", "Use-Id": first.headers["Use-Id"]})
    started, ended = await door.desk.facts("delivery_started"), await door.desk.facts("delivery_ended")
    assert [(each["first_byte"], each["last_byte"]) for each in started] == [(0, 99), (100, SIZE - 1)]
    assert [(each["reason_code"], each["bytes"]) for each in ended] == [
        ("handed_over", 100),
        ("handed_over", SIZE - 100),
    ]
    assert len(door.desk.counter.used) == 1


@with_nginx
async def test_nginx_sends_no_more_than_was_decided(door: Door):
    # Whatever nginx reads otherwise than we do would be sent without a decision: these it must read alike.
    buyer, entitlement_id, _ = await deal(door.desk)
    asked = [
        {"Range": "bytes=0-9", "If-Range": ETAG}, {"Range": "bytes=0-9", "If-Range": '"of before"'},
        {"Range": "bytes=0-9", "If-Range": "Wed, 21 Oct 2026 07:28:00 GMT"}, {"Range": "BYTES=5-6"},
        {"Range": "bytes=007-0010"}, {"Range": f"bytes=0-{'9' * 17}"}, {"Range": f"bytes=0-{'9' * 40}"},
        {"Range": "items=0-5"}, {"Range": f"bytes=-{SIZE + 5}"}, {"Range": "bytes=0-9", "If-None-Match": ETAG},
        {"Range": "bytes=0-9", "If-Modified-Since": "Wed, 21 Oct 2099 07:28:00 GMT"},
        {"Range": "bytes=0-9", "If-Match": '"of before"'}, {},
    ]  # fmt: skip
    async with door.opened_to(buyer) as client:
        answers = [await client.get(path(entitlement_id), headers=headers) for headers in asked]
    started = await door.desk.facts("delivery_started")
    assert len(started) == len(asked)
    for headers, answer, fact in zip(asked, answers, started, strict=True):
        first, last = fact["first_byte"], fact["last_byte"]
        assert isinstance(first, int) and isinstance(last, int)
        assert answer.content == PLACES[first : last + 1], headers
    assert [answer.status_code for answer in answers] == [
        206,
        200,
        200,
        206,
        206,
        206,
        206,
        200,
        206,
        206,
        206,
        206,
        200,
    ]


@with_nginx
async def test_a_part_that_is_refused_is_refused_by_us(door: Door):
    buyer, entitlement_id, _ = await deal(door.desk)
    async with door.opened_to(buyer) as client:
        for text in ("bytes=0-1,2-3", f"bytes={SIZE}-", "bytes= 0-5", "bytes=5"):
            answer = await client.get(path(entitlement_id), headers={"Range": text})
            assert (answer.status_code, answer.json()["code"]) == (416, "range_not_satisfiable")
    assert not door.desk.counter.used


@with_nginx
async def test_nobody_outside_reaches_a_content_by_its_place(door: Door):
    buyer, entitlement_id, _ = await deal(door.desk)
    async with door.opened_to(buyer) as client:
        url = str(client.base_url)
        assert (await client.get(path(entitlement_id))).status_code == 200
        [content_id] = door.kept
        port = client.base_url.port
        for place in (
            f"/_content/{content_id}", f"//_content/{content_id}", f"/%5fcontent/{content_id}", "/_content/",
            f"/_content//{content_id}", f"/delivery/../_content/{content_id}", f"/x/%2e%2e/_content/{content_id}",
            f"/delivery/v1/..%2f..%2f_content/{content_id}", f"/_content/./{content_id}", f"/_CONTENT/{content_id}",
            f"/_content/../content/{content_id}", f"/_content;/{content_id}", f"/x/../_content/{content_id}?a=b",
            f"{url}/_content/{content_id}",
        ):  # fmt: skip
            status, body = await raw(port, place, "X-Accel-Redirect: /_content/" + content_id)
            assert status in {400, 401, 404}, place
            assert PLACES[:50] not in body, place
        answer = await client.get(f"/_content/{content_id}")
    assert answer.headers["Content-Type"] == "application/problem+json" and answer.json()["code"] == "not_found"


async def raw(port: int | None, target: str, *headers: str) -> tuple[int, bytes]:
    """As it stands: a client's library would tidy the path up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers, "", ""]
    writer.write("\r\n".join(lines).encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return int(answer.split(b" ", 2)[1]), answer


@with_nginx
async def test_a_refusal_comes_through_and_no_bytes_do(door: Door):
    buyer, entitlement_id, version_id = await deal(door.desk)
    door.desk.shelf.grade(version_id, G4)
    async with door.opened_to(buyer) as client:
        answer = await client.get(path(entitlement_id))
    assert (answer.status_code, answer.json()["code"]) == (403, "mode_not_allowed_for_grade")


@pytest.mark.parametrize("grade, handed_over", [(G1, True), (G2, True), (G3, False)])
async def test_from_g3_on_we_send_it_ourselves(door: Door, grade: Grade, handed_over: bool):
    buyer, entitlement_id, _ = await deal(door.desk, PLACES, grade, clearance=C5)
    answer = await door.desk.fetch(buyer, entitlement_id)
    assert ("X-Accel-Redirect" in answer.headers, answer.content == b"") == (handed_over, handed_over)


async def test_what_is_more_than_the_door_may_have_at_a_time_we_send(door: Door, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(delivery_rules, "HANDED_OVER_AT_MOST", 1_000_000)
    buyer, entitlement_id, _ = await deal(door.desk, LARGE, clearance=C3)
    assert (await door.desk.fetch(buyer, entitlement_id)).content == LARGE
    part = await door.desk.fetch(buyer, entitlement_id, Range="bytes=0-999999")
    assert part.headers["X-Accel-Redirect"] == f"/_content/{door.kept[0]}" and part.content == b""


async def test_without_such_a_door_nothing_is_handed_over(bench: Bench, tmp_path: Path):
    async with desk(bench, tmp_path) as one:
        buyer, entitlement_id, _ = await deal(one)
        assert (await one.fetch(buyer, entitlement_id)).content == PLACES
