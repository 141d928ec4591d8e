"""Nobody learns who has a log-in, keeps its owner out, or tries without end (T-09, row B-73 of the bad input)."""

import asyncio
from collections import Counter
from dataclasses import replace
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pwdlib.hashers.argon2 import Argon2Hasher

from services.identity.app import build
from services.identity.rules.throttle import ATTEMPTS_MAX, Counted
from services.identity.rules.user import normalise
from tests.identity.authenticator import with_second_factor
from tests.identity.conftest import CHEAP, ON_ONE_DATABASE, PASSWORD, Desk


class CountingHasher(Argon2Hasher):
    """Counts how much work it was given."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.runs = 0

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        self.runs += 1
        return super().verify(password, hash)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        self.runs += 1
        return super().hash(password, salt=salt)


@ON_ONE_DATABASE
async def test_known_unknown_disabled_and_locked_names_get_one_answer_for_one_cost(desk: Desk):
    await desk.admitted("ana")
    gone, _ = await desk.colleague("gone", of="ana"), await desk.colleague("dan", of="ana")
    await desk.post("ana", f"/users/{gone}/disable")
    app = await with_second_factor(desk, "dan")
    hasher = CountingHasher()
    counted = Desk(desk.core, build(desk.core, hasher=hasher), desk.clock)
    tries: dict[str, tuple[str, str, dict[str, str]]] = {
        "known":                 ("ana",     "a wrong pass phrase", {}),
        "unknown":               ("nobody",  PASSWORD, {}),
        "nobody can have it":    ("no body", PASSWORD, {}),
        "disabled":              ("gone",    PASSWORD, {}),
        "with a factor":         ("dan",     PASSWORD, {"code": "000000"}),
        "with a factor, unsaid": ("dan",     PASSWORD, {}),
        "with a wrong password": ("dan",     "a wrong pass phrase", {"code": app.code(desk.clock.now())}),
        "of two megabytes":      ("ana",     "x" * 600_000, {}),
        "a code for nobody":     ("nobody",  PASSWORD, {"code": "000000"}),
    }  # fmt: skip
    await counted.log_in("somebody", PASSWORD)  # whoever comes first waits for what the unknown are compared with
    told: dict[str, tuple[int, int, object]] = {}
    for name, (login, password, more) in tries.items():
        before = hasher.runs
        answer = await counted.log_in(login, password, **more)
        body = {part: value for part, value in answer.json().items() if part != "request_id"}
        told[name] = (answer.status_code, hasher.runs - before, body)
    assert all(each == told["known"] for each in told.values()) and told["known"][:2] == (401, 1), told

    for login in ("ana", "nobody", "gone"):
        for _ in range(ATTEMPTS_MAX):
            await counted.log_in(login, "a wrong pass phrase")
    before = hasher.runs
    locked = [await counted.log_in(login, PASSWORD) for login in ("ana", "nobody", "gone")]
    bodies = [{name: part for name, part in answer.json().items() if name != "request_id"} for answer in locked]
    assert [answer.status_code for answer in locked] == [429] * 3 and bodies == [bodies[0]] * 3
    assert hasher.runs == before


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_every_variant_of_a_name_is_counted_with_it(name: str):
    digest = Counted.NAME.digest_of(normalise(name))
    forms = [normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    variants = [*forms, name.casefold(), *(normalize("NFKC", form.casefold()) for form in forms)]
    assert {Counted.NAME.digest_of(normalise(each)) for each in variants} == {digest}


@given(st.text(max_size=20), st.sampled_from(Counted), st.text(max_size=20), st.sampled_from(Counted))
def test_what_is_counted_of_one_thing_is_never_counted_of_another(one: str, kind: Counted, other: str, of: Counted):
    assert (kind.digest_of(one) == of.digest_of(other)) == ((kind, one) == (of, other))


def behind_a_proxy(desk: Desk, attempts_max: int = 3) -> Desk:
    changes = {"trusted_proxies": ("127.0.0.0/8",), "log_ins_per_network_max": attempts_max}
    settings = type(desk.core.settings).model_validate(desk.core.settings.model_dump() | changes)
    core = replace(desk.core, settings=settings)
    return Desk(core, build(core, hasher=CHEAP), desk.clock)


async def try_from(desk: Desk, address: str, login: str, password: str = "a wrong pass phrase") -> int:
    return (await desk.log_in_from(address, login, password)).status_code


async def test_from_one_network_only_so_many_log_ins_fail_whatever_the_names(desk: Desk):
    door = behind_a_proxy(desk)
    names = ["ana", "ben", "cai", "dan", "security"]
    assert [await try_from(door, "203.0.113.7", name) for name in names] == [401] * 3 + [429] * 2
    assert await try_from(door, "1.2.3.4, 203.0.113.7", "security", PASSWORD) == 429  # nobody chooses where they are
    assert await try_from(door, "203.0.113.8", "security", PASSWORD) == 200
    desk.clock.advance(minutes=15)
    assert await try_from(door, "203.0.113.7", "security", PASSWORD) == 200


async def test_log_ins_that_succeed_do_not_use_up_their_network(desk: Desk):
    door = behind_a_proxy(desk)
    answers = [await try_from(door, "203.0.113.7", "security", PASSWORD) for _ in range(7)]
    assert answers == [200] * 7
    assert [await try_from(door, "203.0.113.7", "nobody") for _ in range(4)] == [401] * 3 + [429]


async def test_log_ins_that_fail_at_once_are_no_more_than_in_turn(desk: Desk):
    door = behind_a_proxy(desk, attempts_max=5)
    answers = await asyncio.gather(*(try_from(door, "2001:db8::1", f"name{number}") for number in range(20)))
    assert Counter(answers) == {401: 5, 429: 15}
    assert await try_from(door, "2001:db8::ffff:1", "security", PASSWORD) == 429  # the same /64
    assert await try_from(door, "2001:db8:0:1::1", "security", PASSWORD) == 200


@ON_ONE_DATABASE
async def test_whether_a_name_is_taken_is_asked_by_applying_no_more_often_than_by_logging_in(desk: Desk):
    door = behind_a_proxy(desk)
    await desk.applied("ana")
    asked = [(await door.apply("ana")).status_code for _ in range(5)]
    assert asked == [409] * 3 + [429] * 2


@ON_ONE_DATABASE
async def test_without_a_proxy_of_ours_an_address_in_a_header_is_nobodys(desk: Desk):
    settings = desk.core.settings.model_copy(update={"log_ins_per_network_max": 3})
    core = replace(desk.core, settings=settings)
    door = Desk(core, build(core, hasher=CHEAP), desk.clock)
    assert [await try_from(door, f"203.0.113.{number}", "nobody") for number in range(5)] == [401] * 3 + [429] * 2


@pytest.mark.parametrize("kind", Counted)
def test_what_is_counted_is_not_kept_in_clear(kind: Counted):
    assert b"ana" not in kind.digest_of("ana") and len(kind.digest_of("ana")) == 32
