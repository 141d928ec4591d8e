"""For whom each kind of caller's transactions are, over HTTP: what is not said is nobody's."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from sqlalchemy import MetaData

from shared import outbox, tenancy, web
from shared.batching import Batcher
from shared.ids import ParticipantId
from shared.permission import Authenticated, Party, Public, Service, Visitor
from shared.routing import Router
from tests.support.bench import PATIENT_SECONDS, Bench, Person

METADATA = MetaData()
outbox.tables(METADATA)
router = Router(prefix="/catalog/v1")


@router.get("/public")
async def public(_: Public) -> str:
    return tenancy.current()


@router.get("/visitor")
async def visitor(_: Visitor) -> str:
    return tenancy.current()


@router.get("/authenticated")
async def authenticated(_: Authenticated) -> str:
    return tenancy.current()


@router.get("/party")
async def party(_: Party) -> str:
    return tenancy.current()


@router.get("/service")
async def service(_: Service) -> str:
    return tenancy.current()


@pytest.fixture
async def catalog(bench: Bench) -> AsyncGenerator[Bench]:
    app = web.application(await bench.core("catalog", METADATA), router, None)
    async with bench.serve(catalog=app):
        yield bench


@pytest.fixture
def server() -> None:
    """SQLite alone: this is about what is said, not about who heeds it."""


async def told(bench: Bench, who: Person | None, path: str) -> str:
    answer = await bench.get(who, f"/catalog/v1/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_members_request_is_for_their_organisation_whatever_the_route_asks(catalog: Bench):
    ana = await catalog.member("buyer")
    for path in ("visitor", "authenticated", "party"):
        assert await told(catalog, ana, path) == ana.participant_id


async def test_nobody_is_served_where_nobody_says_who_they_are(catalog: Bench):
    ana = await catalog.member("buyer")
    assert await told(catalog, None, "visitor") == await told(catalog, None, "public") == tenancy.NOBODY
    assert await told(catalog, ana, "public") == tenancy.NOBODY
    assert await told(catalog, Person(ana.subject, frozenset({"buyer"})), "authenticated") == tenancy.NOBODY


@pytest.mark.parametrize("role", [
    "operator_business", "operator_system", "operator_security", "operator_audit", "regulator", "arbiter",
])  # fmt: skip
async def test_the_platforms_people_are_for_everyone(catalog: Bench, role: str):
    assert await told(catalog, catalog.staff(role), "authenticated") == tenancy.EVERYONE


async def test_staff_of_an_organisation_are_for_it_alone(catalog: Bench):
    ana = await catalog.member("buyer")
    both = Person(ana.subject, frozenset({"buyer", "operator_audit"}), ana.participant_id)
    assert await told(catalog, both, "authenticated") == ana.participant_id


async def test_a_neighbour_is_for_everyone_unless_it_acts_for_a_member(catalog: Bench):
    ana, path = await catalog.member("buyer"), "/catalog/v1/service"
    alone = await catalog.ask_as_service("trading", "GET", path)
    acting = await catalog.ask_as_service("trading", "GET", path, acting_for=ana)
    assert (alone.json(), acting.json()) == (tenancy.EVERYONE, ana.participant_id)


async def test_a_neighbour_that_is_asked_in_this_process_leaves_the_asker_as_it_was(catalog: Bench):
    ana, path = await catalog.member("buyer"), "/catalog/v1/service"
    mine = ParticipantId.new()
    with tenancy.for_nobody():
        tenancy.work_for(mine)
        assert (await catalog.ask_as_service("trading", "GET", path)).json() == tenancy.EVERYONE
        assert (await catalog.ask_as_service("trading", "GET", path, acting_for=ana)).json() == ana.participant_id
        assert await told(catalog, None, "public") == tenancy.NOBODY
        assert tenancy.current() == mine


async def test_requests_at_the_same_time_do_not_mix(catalog: Bench):
    people = [await catalog.member("buyer") for _ in range(8)]
    found = await asyncio.gather(*(told(catalog, who, "party") for who in people * 3))
    assert found == [who.participant_id for who in people] * 3


async def test_a_batch_is_for_everyone_whoever_came_first():
    async def work(items: object) -> list[str]:
        return [tenancy.current()]

    with tenancy.for_nobody():
        tenancy.work_for(ParticipantId.new())
        assert await Batcher[int, str](work).submit(1) == tenancy.EVERYONE
        assert tenancy.current() != tenancy.EVERYONE


async def test_a_job_is_for_everyone(bench: Bench):
    found, ran = list[str](), asyncio.Event()

    async def job() -> None:
        found.append(tenancy.current())
        ran.set()

    app = web.application(await bench.core("catalog", METADATA), router, None, jobs=[job])
    with tenancy.for_nobody():
        async with bench.serve(catalog=app):
            await asyncio.wait_for(ran.wait(), timeout=PATIENT_SECONDS)
        assert (found, tenancy.current()) == ([tenancy.EVERYONE], tenancy.NOBODY)


def test_what_was_said_is_unsaid_at_the_end_also_after_an_error():
    with pytest.raises(ZeroDivisionError), tenancy.for_everyone():
        raise ZeroDivisionError
    with tenancy.for_nobody():
        with tenancy.for_everyone():
            assert tenancy.current() == tenancy.EVERYONE
        assert tenancy.current() == tenancy.NOBODY
