"""Permission as a type: each kind of route against each kind of caller, and who is told what."""

import inspect
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar

import pytest
from fastapi.dependencies.models import Dependant
from httpx2 import Response
from sqlalchemy import MetaData

from shared import outbox, permission, web
from shared.access import Claims, Role
from shared.facts import Category, Fact
from shared.ids import ParticipantId, UserId
from shared.matrix import MATRIX
from shared.permission import Permission
from shared.routing import Router
from tests.support.bench import ISSUER, Bench, ParticipantSuspended, Person
from tests.support.doors import doors

METADATA = MetaData()
outbox.tables(METADATA)
router = Router(prefix="/catalog/v1")


def kinds() -> Iterator[tuple[str, object]]:
    """Every permission that a route can name, by its row of the matrix."""
    for value in vars(permission).values():
        for mark in getattr(value, "__metadata__", ()):
            if isinstance(mark.dependency, Permission):
                yield mark.dependency.name, value


KINDS = dict(kinds())


def add_route(name: str, kind: object) -> None:
    async def endpoint(who: object) -> dict[str, str]:
        return {"who": str(getattr(who, "subject", None))}

    endpoint.__annotations__["who"] = kind
    router.add_api_route(f"/{name}", endpoint)


for name, kind in KINDS.items():
    add_route(name, kind)
for name in ("buyer", "provider", "party"):
    add_route(f"{name}-in-deal", vars(permission)[f"{name.title()}InDeal"])

#                          anyone  buyer  provider  both  business  system  security  audit  regulator  arbiter  service
BY_HAND = {
    "public":               "200     200    200       200   200       200     200       200    200        200      200",
    "visitor":              "200     200    200       200   200       200     200       200    200        200      401",
    "authenticated":        "401     200    200       200   200       200     200       200    200        200      401",
    "oneself":              "401     200    200       200   200       200     200       200    200        200      401",
    "directory_reader":     "401     200    200       200   200       200     200       200    200        200      401",
    "reader":               "401     200    200       200   200       200     200       200    200        403      401",
    "provider":             "401     403    200       200   403       403     403       403    403        403      401",
    "buyer":                "401     200    403       200   403       403     403       403    403        403      401",
    "party":                "401     200    200       200   403       403     403       403    403        403      401",
    "party_or_neighbour":   "401     200    200       200   403       403     403       403    403        403      200",
    "lister":               "401     403    200       200   403       403     403       403    403        403      401",
    "bidder":               "401     200    403       200   403       403     403       403    403        403      401",
    "signatory":            "401     200    200       200   403       403     403       403    403        403      401",
    "payee":                "401     200    200       200   403       403     403       403    403        403      401",
    "second_payee":         "401     200    200       200   403       403     403       403    403        403      401",
    "account_keeper":       "401     200    200       200   403       403     403       403    403        403      401",
    "account_closer":       "401     200    200       200   403       403     200       403    403        403      401",
    "account_reader":       "401     200    200       200   403       403     403       403    403        403      401",
    "dormancy_reader":      "401     200    200       200   403       403     200       403    403        403      401",
    "request_reader":       "401     200    200       200   200       403     403       403    200        403      401",
    "file_reader":          "401     403    200       200   200       403     403       403    200        403      401",
    "important_data_reader":"401     403    403       403   200       403     200       403    200        403      401",
    "reporter":             "401     403    200       200   200       403     403       403    200        403      401",
    "book_reader":          "401     403    200       200   403       403     403       403    200        403      401",
    "share_reader":         "401     200    200       200   403       403     403       403    200        403      401",
    "deal_reader":          "401     200    200       200   403       403     403       200    200        403      401",
    "inquiry_reader":       "401     200    200       200   403       403     403       403    200        403      401",
    "negotiation_reader":   "401     200    200       200   200       403     403       200    200        403      401",
    "dispute_reader":       "401     200    200       200   403       403     403       403    200        200      401",
    "hearing_reader":       "401     200    200       200   403       403     403       403    403        200      401",
    "freeze_reader":        "401     200    200       200   200       403     403       403    200        403      401",
    "credit_reader":        "401     200    200       200   200       403     200       200    200        403      401",
    "content_reader":       "401     200    200       200   200       200     200       200    200        403      401",
    "export_reader":        "401     200    200       200   403       403     200       403    200        403      401",
    "cube_reader":          "401     200    200       200   200       403     403       403    200        403      401",
    "log_reader":           "401     200    200       200   403       403     403       200    200        403      401",
    "ledger_reader":        "401     403    200       200   200       200     200       200    200        403      401",
    "incident_reporter":    "401     200    200       200   403       403     200       403    403        403      401",
    "incident_reader":      "401     200    200       200   403       403     200       403    200        403      401",
    "operator_business":    "401     403    403       403   200       403     403       403    403        403      401",
    "second_business":      "401     403    403       403   200       403     403       403    403        403      401",
    "operator_system":      "401     403    403       403   403       200     403       403    403        403      401",
    "operator_security":    "401     403    403       403   403       403     200       403    403        403      401",
    "operator_audit":       "401     403    403       403   403       403     403       200    403        403      401",
    "second_audit":         "401     403    403       403   403       403     403       200    403        403      401",
    "any_operator":         "401     403    403       403   200       200     200       200    403        403      401",
    "staff":                "401     403    403       403   200       200     200       200    200        403      401",
    "business_or_regulator":"401     403    403       403   200       403     403       403    200        403      401",
    "regulator":            "401     403    403       403   403       403     403       403    200        403      401",
    "second_regulator":     "401     403    403       403   403       403     403       403    200        403      401",
    "supervisor":           "401     403    403       403   403       403     403       200    200        403      401",
    "arbiter":              "401     403    403       403   403       403     403       403    403        200      401",
    "ruling_arbiter":       "401     403    403       403   403       403     403       403    403        200      401",
    "service":              "401     401    401       401   401       401     401       401    401        401      200",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class UserDisabled(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    user_id: UserId


@dataclass(frozen=True, slots=True)
class ParticipantExited(Fact):
    category: ClassVar[Category] = Category.ADMISSION
    participant_id: ParticipantId
    reason_code: str
    revision: int = 4


@dataclass
class Hall:
    bench: Bench
    people: dict[str, Person | None]

    async def get(self, who: str, route: str) -> Response:
        if who == "service":
            return await self.bench.ask_as_service("trading", "GET", f"/catalog/v1/{route}")
        return await self.bench.get(self.people[who], f"/catalog/v1/{route}")


@pytest.fixture
async def hall(bench: Bench) -> AsyncGenerator[Hall]:
    core = await bench.core("catalog", METADATA)
    async with bench.serve(catalog=web.application(core, router, None)):
        operators = {role: bench.staff(f"operator_{role}") for role in ("business", "system", "security", "audit")}
        people: dict[str, Person | None] = {
            "anyone": None, "buyer": await bench.member("buyer"), "provider": await bench.member("provider"),
            "both": await bench.member("buyer", "provider"), **operators,
            "regulator": bench.staff("regulator"), "arbiter": bench.staff("arbiter"),
        }  # fmt: skip
        yield Hall(bench, people)


def test_every_permission_has_its_line_by_hand_and_every_row_its_permission():
    assert KINDS.keys() == BY_HAND.keys() == MATRIX.keys()


on_sqlite = pytest.mark.parametrize("server", ["sqlite"], indirect=True)  # no table is asked here


@on_sqlite
async def test_each_caller_may_ask_what_the_table_says(hall: Hall):
    callers = [*hall.people, "service"]
    for route in KINDS:
        answers = [(await hall.get(who, route)).status_code for who in callers]
        assert dict(zip(callers, answers, strict=True)) == dict(
            zip(callers, map(int, BY_HAND[route].split()), strict=True)
        ), route


@on_sqlite
async def test_a_denial_says_what_was_missing_and_how_to_say_who_you_are(hall: Hall):
    unknown, denied = await hall.get("anyone", "buyer"), await hall.get("provider", "buyer")
    assert (unknown.json()["code"], unknown.headers["WWW-Authenticate"]) == ("unauthenticated", 'Bearer realm="yaosu"')
    assert (denied.json()["code"], denied.json()["roles"]) == ("not_your_role", ["buyer"])


@on_sqlite
async def test_whoever_brings_a_bad_token_is_not_a_visitor(hall: Hall):
    for header in ("Bearer x", "Basic YTpi", "Bearer", "bearer  ", "x"):
        answer = await hall.bench.ask("GET", None, "/catalog/v1/visitor", headers={"Authorization": header})
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token"), header


@on_sqlite
async def test_a_suspended_organisation_may_not_act_though_its_tokens_are_good(hall: Hall):
    buyer = hall.people["buyer"]
    assert buyer and buyer.participant_id
    await hall.bench.announce(ParticipantSuspended(buyer.participant_id, "fraud"))
    denied = await hall.get("buyer", "buyer")
    assert (denied.status_code, denied.json()["code"]) == (403, "not_admitted")
    assert "suspended" in denied.json().values(), "the caller is told what their organisation's standing is"
    assert (await hall.get("buyer", "authenticated")).status_code == 200


@on_sqlite
async def test_a_suspended_organisation_ends_what_it_has_begun_and_one_that_left_does_not(hall: Hall):
    buyer = hall.people["buyer"]
    assert buyer and buyer.participant_id
    await hall.bench.announce(ParticipantSuspended(buyer.participant_id, "proof_rejected"))
    answers = [(await hall.get("buyer", f"{kind}-in-deal")).status_code for kind in ("buyer", "party", "provider")]
    assert answers == [200, 200, 403]
    await hall.bench.announce(ParticipantExited(buyer.participant_id, "asked_for"))
    gone = await hall.get("buyer", "buyer-in-deal")
    assert (gone.status_code, gone.json()["code"], gone.json()["standing"]) == (403, "not_admitted", "exited")


@on_sqlite
async def test_a_role_in_a_token_counts_only_while_the_organisation_has_it_too(hall: Hall):
    provider = hall.people["provider"]
    assert provider
    boasting = Person(provider.subject, frozenset({"buyer", "provider"}), provider.participant_id)
    answer = await hall.bench.get(boasting, "/catalog/v1/buyer")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_your_role")


@on_sqlite
async def test_an_organisation_that_nobody_has_heard_of_is_not_admitted(hall: Hall):
    stranger = Person(UserId.new(), frozenset({"buyer"}), ParticipantId.new())
    answer = await hall.bench.get(stranger, "/catalog/v1/buyer")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_admitted")


@on_sqlite
async def test_a_service_acts_for_a_member_only_while_that_member_may_act(hall: Hall):
    buyer = hall.people["buyer"]
    assert buyer and buyer.participant_id
    answer = await hall.bench.ask_as_service("trading", "GET", "/catalog/v1/service", acting_for=buyer)
    assert answer.json() == {"who": "service:trading"}
    await hall.bench.announce(ParticipantSuspended(buyer.participant_id, "fraud"))
    denied = await hall.bench.ask_as_service("trading", "GET", "/catalog/v1/service", acting_for=buyer)
    assert (denied.status_code, denied.json()["code"]) == (403, "not_admitted")


@on_sqlite
async def test_whoever_was_disabled_acts_neither_alone_nor_through_a_service(hall: Hall):
    buyer = hall.people["buyer"]
    assert buyer
    await hall.bench.announce(UserDisabled(UserId(buyer.subject)))
    alone = await hall.get("buyer", "authenticated")
    through = await hall.bench.ask_as_service("trading", "GET", "/catalog/v1/service", acting_for=buyer)
    assert [(answer.status_code, answer.json()["code"]) for answer in (alone, through)] == [(401, "invalid_token")] * 2


@on_sqlite
async def test_a_person_with_the_role_of_a_service_is_still_no_service(hall: Hall):
    pretender = Claims("user_1", "user_1", frozenset({Role.SERVICE}))
    for audience, status in (("catalog", 403), ("yaosu", 401)):
        token = ISSUER.issue(pretender, audience, hall.bench.clock.now(), timedelta(minutes=5))[0]
        headers = {"Authorization": f"Bearer {token}"}
        answer = await hall.bench.ask("GET", None, "/catalog/v1/service", headers=headers)
        assert answer.status_code == status


def test_no_request_waits_for_a_turn_of_another_thread():
    """As it would for each dependency that is a plain function."""

    def calls(dependant: Dependant) -> Iterator[Callable[..., Any]]:
        if dependant.call:
            yield dependant.call
        for inner in dependant.dependencies:
            yield from calls(inner)

    def is_plain(call: Callable[..., Any]) -> bool:
        called = call if inspect.isroutine(call) else call.__call__
        return not inspect.iscoroutinefunction(called) and not inspect.isasyncgenfunction(called)

    found = {call for door in doors() for call in calls(door.route.dependant)}
    assert len(found) > 100 and not [call for call in found if is_plain(call)]
