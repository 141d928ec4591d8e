"""How often one may ask: the buckets against a naive reading of the rule, and what the door makes of them."""

import itertools
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from ipaddress import ip_network
from typing import Any

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import MetaData

from services.trading.app import BIDS
from shared import outbox, rest, web
from shared.guard import Doors
from shared.permission import Buyer, Public, Service, Visitor
from shared.rates import Buckets, Kind, Level, Policy, Rates
from shared.routing import Router
from shared.settings import Settings
from tests.support.bench import Bench, Person
from tests.support.clock import ToldClock
from tests.support.doors import writing_doors

START = datetime(2030, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
POLICY = Policy("reads", 3, 60)


class NaiveBucket:
    """Water that drains evenly: a request is a cup, and one that would spill is refused. In exact fractions."""

    def __init__(self, quota: int, window_seconds: int) -> None:
        self._quota, self._per_microsecond = quota, Fraction(quota, window_seconds * 1_000_000)
        self._water, self._looked_at = Fraction(0), 0

    def takes(self, at_microseconds: int) -> bool:
        drained = (at_microseconds - self._looked_at) * self._per_microsecond
        self._water, self._looked_at = max(Fraction(0), self._water - drained), at_microseconds
        if self._water + 1 > self._quota:
            return False
        self._water += 1
        return True

    def room(self) -> int:
        return int(self._quota - self._water)


gaps = st.integers(0, 3) | st.integers(0, 30_000_000) | st.sampled_from([999_999, 1_000_000, 19_999_999, 20_000_000])


@given(quota=st.integers(1, 7), window=st.integers(1, 61), waits=st.lists(gaps, max_size=40))
def test_a_bucket_is_the_water_of_the_naive_one(quota: int, window: int, waits: list[int]):
    buckets, naive = Buckets(Policy("x", quota, window)), NaiveBucket(quota, window)
    for at in itertools.accumulate(waits):
        level = buckets.draw("a", START + at * MICROSECOND)
        takes = naive.takes(at + (START - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND)
        assert (level.wait_seconds == 0, level.remaining) == (takes, naive.room() if takes else 0)


@given(quota=st.integers(1, 7), window=st.integers(1, 61), waits=st.lists(gaps, max_size=40))
def test_in_no_window_are_there_twice_as_many_as_the_quota(quota: int, window: int, waits: list[int]):
    buckets = Buckets(Policy("x", quota, window))
    taken = [at for at in itertools.accumulate(waits) if not buckets.draw("a", START + at * MICROSECOND).wait_seconds]
    for first in taken:
        assert sum(first <= at < first + window * 1_000_000 for at in taken) < 2 * quota


@given(quota=st.integers(1, 7), window=st.integers(1, 61), waits=st.lists(gaps, max_size=30))
def test_whoever_waits_as_told_is_taken_and_not_a_second_too_late(quota: int, window: int, waits: list[int]):
    buckets = Buckets(Policy("x", quota, window))
    for at in itertools.accumulate(waits):
        now = START + at * MICROSECOND
        level = buckets.draw("a", now)
        if level.wait_seconds:
            early = Buckets(Policy("x", quota, window))
            early._empty_at = dict(buckets._empty_at)  # pyright: ignore[reportPrivateUsage]
            assert early.draw("a", now + timedelta(seconds=level.wait_seconds - 1)).wait_seconds == 1
            assert early.draw("a", now + timedelta(seconds=level.wait_seconds)).wait_seconds == 0
            break


#        at second   remaining  reset  wait
@pytest.mark.parametrize("told", [[
    (0,              2,         20,    0),
    (0,              1,         40,    0),
    (1,              0,         59,    0),
    (1,              0,         59,    19),
    (19.999999,      0,         41,    1),
    (20,             0,         60,    0),
    (20,             0,         60,    20),
    (79.5,           1,         21,    0),
    (1000,           2,         20,    0),
]])  # fmt: skip
def test_three_a_minute_worked_through(told: Sequence[tuple[float, int, int, int]]):
    buckets = Buckets(POLICY)
    for at, remaining, reset, wait in told:
        assert buckets.draw("a", START + timedelta(seconds=at)) == Level(POLICY, remaining, reset, wait)


def test_nobody_draws_from_anothers_bucket():
    buckets = Buckets(POLICY)
    assert [buckets.draw("a", START).wait_seconds for _ in range(5)] == [0, 0, 0, 20, 20]
    assert buckets.draw("b", START).remaining == 2


def test_a_clock_that_is_set_back_holds_nobody_up_for_longer_than_a_window():
    buckets = Buckets(POLICY)
    for _ in range(3):
        buckets.draw("a", START)
    earlier = START - timedelta(days=365)
    assert buckets.draw("a", earlier).wait_seconds == 20
    assert buckets.draw("a", earlier + timedelta(seconds=19)).wait_seconds == 1
    assert buckets.draw("a", earlier + timedelta(seconds=20)).wait_seconds == 0
    assert buckets.draw("a", earlier + timedelta(seconds=140)).remaining == 2, "it drains by the clock that there is"


def test_buckets_are_forgotten_when_as_good_as_new_and_then_the_emptiest_first():
    buckets = Buckets(POLICY, buckets_max=4)
    kept = buckets._empty_at  # pyright: ignore[reportPrivateUsage]
    for who in "abcd":
        buckets.draw(who, START)
    assert sorted(kept) == list("abcd")
    buckets.draw("e", START + timedelta(seconds=20))
    assert sorted(buckets._empty_at) == ["e"]  # pyright: ignore[reportPrivateUsage]
    for who in "fffghh":
        buckets.draw(who, START + timedelta(seconds=20))
    buckets.draw("i", START + timedelta(seconds=20))
    assert sorted(buckets._empty_at) == ["f", "h", "i"]  # pyright: ignore[reportPrivateUsage]
    assert buckets.draw("f", START + timedelta(seconds=20)).wait_seconds == 20, "who asks most is not forgotten"


NGINX = ip_network("10.0.0.0/8")


@pytest.mark.parametrize("peer, forwarded, trusted, address", [
    ("203.0.113.9", [],                             [],      "203.0.113.9"),
    ("203.0.113.9", ["198.51.100.1"],               [],      "203.0.113.9"),
    ("203.0.113.9", ["198.51.100.1"],               [NGINX], "203.0.113.9"),
    ("10.0.0.2",    ["198.51.100.1"],               [NGINX], "198.51.100.1"),
    ("10.0.0.2",    ["1.1.1.1, 198.51.100.1"],      [NGINX], "198.51.100.1"),
    ("10.0.0.2",    ["1.1.1.1", "198.51.100.1"],    [NGINX], "198.51.100.1"),
    ("10.0.0.2",    ["198.51.100.1, 10.0.0.1"],     [NGINX], "198.51.100.1"),
    ("10.0.0.2",    ["10.0.0.9, 10.0.0.1"],         [NGINX], "10.0.0.9"),
    ("10.0.0.2",    ["198.51.100.1, junk"],         [NGINX], "10.0.0.2"),
    ("10.0.0.2",    ["198.51.100.1:443"],           [NGINX], "10.0.0.2"),
    ("10.0.0.2",    [""],                           [NGINX], "10.0.0.2"),
    ("10.0.0.2",    [],                             [NGINX], "10.0.0.2"),
    ("::ffff:10.0.0.2", ["198.51.100.1"],           [NGINX], "198.51.100.1"),
    ("2001:db8:1:2:3:4:5:6", [],                    [],      "2001:db8:1:2::/64"),
    ("2001:db8:1:2::9", [],                         [],      "2001:db8:1:2::/64"),
    ("::1",         [],                             [],      "::/64"),
    ("",            ["198.51.100.1"],               [NGINX], "unknown"),
    ("a socket",    [],                             [],      "unknown"),
])  # fmt: skip
def test_only_what_our_own_proxies_say_of_an_address_is_believed(
    peer: str, forwarded: list[str], trusted: list[Any], address: str
):
    rates = Rates(Settings().rates, ToldClock(), trusted=trusted)
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    assert rates.network_in({"client": (peer, 1), "headers": [(b"host", b"x"), *headers]}) == address


def test_a_request_without_an_address_has_none():
    assert Rates(Settings().rates, ToldClock()).network_in({"client": None, "headers": []}) == "unknown"


METADATA = MetaData()
outbox.tables(METADATA)
router = Router(prefix="/catalog/v1")


@router.get("/open")
async def open_to_all(_: Public) -> None: ...


@router.get("/visits")
async def visits(_: Visitor) -> None: ...


@router.get("/things")
async def things(_: Buyer) -> None: ...


@router.post("/things")
async def make(_: Buyer) -> None: ...


@router.post("/things/bids")
async def bid(_: Buyer) -> None: ...


@router.get("/inside")
async def inside(_: Service) -> None: ...


LIMITS = Settings(anonymous_per_minute=2, reads_per_minute=3, writes_per_minute=2, bids_per_minute=4)
PATH = "/catalog/v1"
on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)


@pytest.fixture
async def bench(bench: Bench) -> AsyncGenerator[Bench]:
    bench.settings = LIMITS
    core = await bench.core("catalog", METADATA)
    doors = Doors(LIMITS.allowed_hosts, bids=frozenset({"bids"}))
    async with bench.serve(catalog=web.application(core, router, None, doors=doors)):
        yield bench


def told(answer: Response) -> tuple[str | None, str | None]:
    return answer.headers.get("RateLimit-Policy"), answer.headers.get("RateLimit")


@on_sqlite
async def test_an_answer_says_what_is_left_and_the_one_too_many_when_to_come_back(bench: Bench):
    ana = await bench.member("buyer")
    answers = [await bench.get(ana, f"{PATH}/things") for _ in range(4)]
    assert [told(answer) for answer in answers] == [
        ('"reads";q=3;w=60', '"reads";r=2;t=20'), ('"reads";q=3;w=60', '"reads";r=1;t=40'),
        ('"reads";q=3;w=60', '"reads";r=0;t=60'), ('"reads";q=3;w=60', '"reads";r=0;t=60'),
    ]  # fmt: skip
    refused = answers[-1]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (refused.headers["Content-Type"], refused.headers["Retry-After"]) == ("application/problem+json", "20")
    assert refused.json() == {
        "type": "/problems/rate_exceeded", "title": "You ask more often than is allowed; wait.", "status": 429,
        "detail": "You ask more often than is allowed; wait.", "code": "rate_exceeded", "policy": "reads",
        "retry_after_seconds": 20, "request_id": refused.headers["X-Request-Id"],
    }  # fmt: skip
    bench.clock.advance(seconds=20)
    assert (await bench.get(ana, f"{PATH}/things")).status_code == 200


@on_sqlite
async def test_reading_much_keeps_nobody_from_writing_and_writing_from_bidding(bench: Bench):
    ana = await bench.member("buyer")
    for method, path, quota in (("GET", "things", 3), ("POST", "things", 2), ("POST", "things/bids", 4)):
        answers = [(await bench.ask(method, ana, f"{PATH}/{path}")).status_code for _ in range(quota + 1)]
        assert answers == [200] * quota + [429]


@on_sqlite
async def test_all_of_an_organisation_draw_from_its_bucket_and_nobody_else(bench: Bench):
    ana, li = await bench.member("buyer"), await bench.member("buyer")
    colleague = Person("user_colleague", ana.roles, ana.participant_id)
    answers = [(await bench.get(who, f"{PATH}/things")).status_code for who in (ana, colleague, ana, colleague, li)]
    assert answers == [200, 200, 200, 429, 200]


@on_sqlite
async def test_strangers_and_bad_tokens_count_for_their_address_and_hold_up_nobody_who_is_known(bench: Bench):
    ana, bad = await bench.member("buyer"), {"Authorization": "Bearer x"}
    answers = [await bench.ask("GET", None, f"{PATH}/things", headers=bad) for _ in range(3)]
    assert [answer.json()["code"] for answer in answers] == ["invalid_token", "invalid_token", "rate_exceeded"]
    bare = dict[str, str]()
    asked = [(path, bare) for path in ("open", "visits", "nothing", "things")] + [
        (path, bad) for path in ("open", "inside")
    ]
    for path, headers in asked:
        answer = await bench.ask("GET", None, f"{PATH}/{path}", headers=headers)
        assert (answer.status_code, told(answer)[0]) == (429, '"anonymous";q=2;w=60'), path
    assert (await bench.get(ana, f"{PATH}/things")).status_code == 200
    assert (await bench.get(ana, f"{PATH}/visits")).status_code == 200


async def health(bench: Bench) -> Response:
    async with rest.connect(bench.apps["catalog"]) as connection:
        return await connection.get("/health/live")


@on_sqlite
async def test_neighbours_and_health_are_never_counted(bench: Bench):
    for _ in range(10):
        assert (await bench.ask_as_service("trading", "GET", f"{PATH}/inside")).status_code == 200
        answer = await health(bench)
        assert (answer.status_code, told(answer)) == (200, (None, None))


def test_what_counts_as_a_bid_are_writes_of_the_market():
    assert BIDS == {door.route.path.rpartition("/")[2] for door in writing_doors()} & BIDS


@pytest.mark.parametrize("environment, quota", [("development", 1_000_000), ("production", None)])
def test_what_nobody_sets_is_generous_for_trials_and_sensible_in_production(environment: str, quota: int | None):
    settings = Settings.model_construct(environment=environment)  # pyright: ignore[reportArgumentType]
    quotas = {kind: policy.quota for kind, policy in settings.rates.items()}
    assert quotas == ({kind: quota for kind in Kind} if quota else {
        Kind.ANONYMOUS: 6_000, Kind.READS: 12_000, Kind.WRITES: 3_000, Kind.BIDS: 6_000,
    })  # fmt: skip


@pytest.mark.parametrize("bids, replicas, quota", [(100, 1, 100), (100, 3, 33), (100, 16, 6), (3, 4, 1)])
def test_processes_that_share_a_quota_give_together_never_more_of_it(bids: int, replicas: int, quota: int):
    settings = Settings(bids_per_minute=bids, replicas=replicas)
    assert settings.rates[Kind.BIDS].quota == quota
    assert quota * replicas <= max(bids, replicas)
