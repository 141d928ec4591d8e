"""The token key changes while everybody works, and nobody is sent away for it; the old one then vouches for nobody.

Six services that verify for themselves, two processes that issue, one clock for all. Each second, at each service,
somebody brings a token that was just issued by either process, and somebody one that is nearly over.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.access import LEEWAY, LIFETIME_MAX, REFRESH_INTERVAL, Claims, InvalidToken, OtherKeys, TokenIssuer, Verifier
from shared.core import issuer_of
from shared.errors import Unavailable
from shared.settings import SERVICES, Settings
from shared.signing import new_token_key, public_token_key
from tests.support.clock import ToldClock

WHO = "http://127.0.0.1:8000/identity"
ANA = Claims("user_ana", "yaosu", frozenset({"buyer"}))
FIRST, SECOND = new_token_key(), new_token_key()
NOTICE = timedelta(minutes=2)  # in life an hour; here as long as it takes for everybody to ask again, and more
WINDOW = LIFETIME_MAX + LEEWAY


@dataclass
class Market:
    clock: ToldClock = field(default_factory=ToldClock)
    issuers: list[TokenIssuer] = field(default_factory=lambda: [TokenIssuer(FIRST, WHO)] * 2)
    alive: deque[tuple[datetime, str]] = field(default_factory=deque[tuple[datetime, str]])
    asked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0))
    is_out: bool = False

    def __post_init__(self) -> None:
        self.verifiers = {name: Verifier(self.key_set_for(name), WHO, self.clock) for name in SERVICES}

    def key_set_for(self, service: str) -> Callable[[], Awaitable[Mapping[str, Any]]]:
        async def fetch() -> Mapping[str, Any]:
            self.asked[service] += 1
            await asyncio.sleep(0)  # whoever comes meanwhile is here before the answer
            if self.is_out:
                raise Unavailable()
            return self.issuers[self.asked[service] % 2].published(self.clock.now())

        return fetch

    async def work(self, duration: timedelta) -> None:
        """Raises InvalidToken as soon as one good token is refused anywhere."""
        until = self.clock.now() + duration
        while self.clock.now() < until:
            now = self.clock.now()
            fresh = [issuer.issue(ANA, "yaosu", now, LIFETIME_MAX)[0] for issuer in self.issuers]
            self.alive += [(now, token) for token in fresh]
            while self.alive and self.alive[0][0] + LIFETIME_MAX <= now:
                self.alive.popleft()
            brought = [*fresh, self.alive[0][1], self.alive[1][1]]
            await asyncio.gather(*(each.caller(token) for each in self.verifiers.values() for token in brought))
            self.clock.advance(seconds=7)

    async def refuses_everywhere(self, token: str) -> bool:
        callers = (each.caller(token) for each in self.verifiers.values())
        return {type(each) for each in await asyncio.gather(*callers, return_exceptions=True)} == {InvalidToken}

    def stolen(self, key: str) -> str:
        """A token that a thief of the key makes now."""
        return TokenIssuer(key, WHO).issue(ANA, "yaosu", self.clock.now(), LIFETIME_MAX)[0]


async def test_the_key_is_rotated_under_load_without_one_false_refusal_and_the_old_one_ends_with_its_window():
    market = Market()
    await market.work(timedelta(minutes=1))
    announcing = TokenIssuer(FIRST, WHO, OtherKeys(next=public_token_key(SECOND)))
    for process in (0, 1):
        market.issuers[process] = announcing
        await market.work(NOTICE)
    retired = {public_token_key(FIRST): market.clock.now() + NOTICE}  # when the last process has ceased to sign with it
    for process in (0, 1):
        market.issuers[process] = TokenIssuer(SECOND, WHO, OtherKeys(retired=retired))
        await market.work(NOTICE)
    assert (await market.verifiers["trading"].caller(market.stolen(FIRST))).subject == "user_ana"  # as yet
    await market.work(WINDOW)
    assert await market.refuses_everywhere(market.stolen(FIRST))
    elapsed = market.clock.now() - ToldClock().now()
    assert max(market.asked.values()) <= elapsed / REFRESH_INTERVAL + 1


async def test_a_key_that_leaked_vouches_for_nobody_anywhere_within_a_minute():
    market = Market()
    await market.work(timedelta(minutes=1))
    seen = market.stolen(FIRST)
    assert not await market.refuses_everywhere(seen)
    market.issuers = [TokenIssuer(SECOND, WHO)] * 2
    market.clock.advance(seconds=REFRESH_INTERVAL.total_seconds())
    await asyncio.gather(*(each.caller(market.stolen(SECOND)) for each in market.verifiers.values()))
    assert await market.refuses_everywhere(seen) and await market.refuses_everywhere(market.stolen(FIRST))


async def test_it_is_found_out_though_nobody_brings_a_new_key():
    """The thief's own token is the first that comes: that of a key which is known, and was taken back meanwhile."""
    market = Market()
    await market.work(timedelta(seconds=1))
    seen = market.stolen(FIRST)
    assert not await market.refuses_everywhere(seen)
    market.issuers = [TokenIssuer(SECOND, WHO)] * 2
    market.clock.advance(seconds=60)
    assert await market.refuses_everywhere(seen)


async def test_a_flood_of_unknown_keys_costs_identity_one_answer_in_half_a_minute():
    market = Market()
    await market.work(timedelta(seconds=1))
    began = dict(market.asked)
    for _ in range(60):
        flood = [TokenIssuer(new_token_key(), WHO).issue(ANA, "yaosu", market.clock.now(), LIFETIME_MAX)[0]] * 5
        calls = (each.caller(token) for each in market.verifiers.values() for token in flood)
        answers = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in answers} == {InvalidToken}
        market.clock.advance(seconds=1)
    assert all(market.asked[name] - began[name] <= 2 for name in SERVICES)


async def test_while_identity_is_out_known_keys_serve_as_long_as_what_they_signed_may_live():
    market = Market()
    await market.work(timedelta(seconds=1))
    market.is_out, asked = True, market.clock.now() - timedelta(seconds=7)
    market.clock.set(asked + LIFETIME_MAX - timedelta(microseconds=1))
    token, verifier = market.stolen(FIRST), market.verifiers["trading"]
    assert (await verifier.caller(token)).subject == "user_ana"
    market.clock.set(asked + LIFETIME_MAX)
    for _ in range(2):
        with pytest.raises(Unavailable):
            await verifier.caller(token)
    market.is_out = False
    market.clock.advance(seconds=1)
    assert (await verifier.caller(token)).subject == "user_ana"


async def test_after_a_quiet_night_everyone_who_comes_at_once_is_let_in_by_one_question():
    market = Market()
    await market.work(timedelta(seconds=1))
    market.clock.advance(hours=8)
    asked, token = market.asked["trading"], market.stolen(FIRST)
    callers = await asyncio.gather(*(market.verifiers["trading"].caller(token) for _ in range(20)))
    assert {caller.subject for caller in callers} == {"user_ana"} and market.asked["trading"] == asked + 1


async def test_an_answer_that_is_no_key_set_is_no_answer():
    market, wrong = Market(), list[Mapping[str, Any]]([{}, {"keys": None}, {"keys": [7]}])

    async def fetch() -> Mapping[str, Any]:
        return wrong[0] if wrong else market.issuers[0].published(market.clock.now())

    verifier = Verifier(fetch, WHO, market.clock)
    while wrong:
        with pytest.raises(Unavailable):
            await verifier.caller(market.stolen(FIRST))
        wrong.pop(0)
        market.clock.advance(seconds=1)
    assert (await verifier.caller(market.stolen(FIRST))).subject == "user_ana"


@pytest.mark.parametrize("before_end, is_published", [(timedelta(microseconds=1), True), (timedelta(0), False)])
def test_a_retired_key_is_published_until_the_last_token_it_signed_is_over(before_end: timedelta, is_published: bool):
    signed_until = ToldClock().now()
    issuer = TokenIssuer(SECOND, WHO, OtherKeys(retired={public_token_key(FIRST): signed_until}))
    kids = [key["kid"] for key in issuer.published(signed_until + WINDOW - before_end)["keys"]]
    assert kids == [issuer.key_id] + [TokenIssuer(FIRST, WHO).key_id] * is_published


def in_one_line(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


def test_the_keys_are_those_of_the_settings_and_what_is_derived_outlives_them():
    retired = {in_one_line(public_token_key(FIRST)): ToldClock().now()}
    identity_key = "what all other secrets of identity are derived from"
    before = issuer_of(
        Settings.model_validate({"token_key": FIRST, "token_key_next": SECOND, "identity_key": identity_key})
    )
    after = issuer_of(
        Settings.model_validate({"token_key": SECOND, "token_keys_retired": retired, "identity_key": identity_key})
    )
    now = ToldClock().now()
    published = [[key["kid"] for key in each.published(now)["keys"]] for each in (before, after)]
    assert published == [[before.key_id, after.key_id], [after.key_id, before.key_id]]
    assert before.derived(b"a purpose") == after.derived(b"a purpose") != after.derived(b"another")
    assert not any({"d"} & key.keys() for key in before.published(now)["keys"])


def test_production_does_not_derive_what_lasts_from_the_token_key():
    url = "postgresql+asyncpg://yaosu@host/yaosu"
    with pytest.raises(ValueError, match="YAOSU_IDENTITY_KEY"):
        told = {"environment": "production", "issuer": "https://market.example/identity", "database_url": url}
        issuer_of(Settings.model_validate(told | {"token_key": FIRST}))


@pytest.mark.parametrize("key", ["", "x", "AAAA", in_one_line(FIRST)])
def test_what_is_no_retired_public_key_stops_the_start(key: str):
    retired = {key: ToldClock().now()}
    with pytest.raises(ValueError):
        issuer_of(Settings.model_validate({"token_key": SECOND, "token_keys_retired": retired}))
