"""What persons ask for by the receipt of a consent: heard without an account, answered in time, and then forgotten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from httpx2 import Response
from sqlalchemy import select, text

from services.catalog import jobs
from services.catalog.rules import personal_request as rules
from services.catalog.rules.personal_request import (
    ESCALATED,
    GRANTED,
    RECEIVED,
    REFUSED,
    Due,
    Kind,
    NotYoursToAnswer,
    PersonalRequest,
    TermPassed,
)
from services.catalog.tables.persons import personal_requests
from shared.disclosing import disclosures_table
from shared.facts import commit
from shared.ids import AssetId, ConsentId, ParticipantId, PersonalRequestId, VersionId
from shared.lifecycle import IllegalMove
from shared.working_days import deadline_after
from tests.catalog.made import NOON
from tests.catalog.market import HASH, Market, refusal
from tests.catalog.test_consents import RECEIPT, conditions, entered, looked_up, persons_registered, withdrawn
from tests.support.bench import Person

DAY, INSTANT = timedelta(days=1), timedelta(microseconds=1)
DUE = Due(NOON + 21 * DAY)


def asked(kind: Kind = Kind.DELETION) -> PersonalRequest:
    of = (ConsentId.new(), AssetId.new(), VersionId.new(), ParticipantId.new())
    return rules.receive(PersonalRequestId.new(), kind, of, DUE, NOON)


def test_the_provider_answers_first_and_until_the_term_is_over():
    request = asked()
    assert (request.state, request.next_actor, request.deadline) == (RECEIVED, "provider", DUE.at)
    done = rules.grant(request, HASH, by_operator=False, now=DUE.at - INSTANT)
    assert (done.state, done.next_actor, done.deadline, done.answer_hash) == (GRANTED, None, None, HASH)
    assert done.ended_at == DUE.at - INSTANT and done.revision == 2
    for act in (
        lambda: rules.grant(request, None, by_operator=False, now=DUE.at),
        lambda: rules.refuse(request, "x", by_operator=False, now=DUE.at),
    ):
        with pytest.raises(TermPassed) as refused:
            act()
        assert refused.value.facts == {"deadline": DUE.at}


def test_after_the_term_it_is_the_operators_and_no_longer_the_providers():
    late = rules.pass_deadline(asked(), Due(NOON + 40 * DAY, provisional=True))
    assert (late.state, late.next_actor, late.escalations) == (ESCALATED, "operator_security", 1)
    with pytest.raises(NotYoursToAnswer) as refused:
        rules.grant(late, None, by_operator=False, now=NOON)
    assert refused.value.facts == {"next_actor": "operator_security"}
    no = rules.refuse(late, "not_identified", by_operator=True, now=NOON)
    assert (no.state, no.reason_code, no.due) == (REFUSED, "not_identified", None)
    again = rules.pass_deadline(late, DUE)
    assert (again.state, again.escalations, again.due) == (ESCALATED, 2, DUE)
    with pytest.raises(NotYoursToAnswer):
        rules.refuse(asked(), "x", by_operator=True, now=NOON)


@pytest.mark.parametrize("kind", Kind)
def test_only_a_granted_deletion_ends_the_consent(kind: Kind):
    done = rules.grant(asked(kind), None, by_operator=False, now=NOON)
    assert rules.ends_consent(done) is (kind is Kind.DELETION)
    assert not rules.ends_consent(rules.refuse(asked(kind), "x", by_operator=False, now=NOON))
    assert not rules.ends_consent(asked(kind))


def test_what_was_answered_stays_answered():
    done = rules.grant(asked(), None, by_operator=False, now=NOON)
    for act in (
        lambda: rules.refuse(done, "x", by_operator=False, now=NOON),
        lambda: rules.grant(replace(done, escalations=1), None, by_operator=False, now=NOON),
        lambda: rules.pass_deadline(done, DUE),
    ):
        with pytest.raises(IllegalMove):
            act()


@pytest.mark.parametrize("received, due", [
    (datetime(2026, 3, 2, 4, tzinfo=UTC), datetime(2026, 3, 23, 16, tzinfo=UTC)),   # fifteen plain working days
    (datetime(2026, 9, 21, 4, tzinfo=UTC), datetime(2026, 10, 19, 16, tzinfo=UTC)),  # over the National Day
])  # fmt: skip
def test_fifteen_working_days_end_with_the_last_of_them(received: datetime, due: datetime):
    assert deadline_after(received, rules.ANSWERED_WITHIN_WORKING_DAYS).at == due


# Over HTTP


async def consenting(market: Market) -> tuple[Person, str]:
    provider, version_id = await persons_registered(market)
    market.done(await entered(market, provider, version_id, RECEIPT), 201)
    return provider, version_id


async def ask(market: Market, kind: str = "deletion", key: str | None = None, receipt: str = RECEIPT) -> Response:
    body = {"receipt": receipt, "kind": kind, "details": "请删除我的信息：张三"}
    return await market.bench.post(None, "/catalog/v1/my-consent/requests", body, key)


async def answer(market: Market, who: Person, request_id: str, act: str, **body: Any) -> Response:
    told = {"answer": "已删除"} if act.endswith("grant") else {"reason_code": "not_identified", "reason": "无法核实"}
    return await market.bench.post(who, f"/catalog/v1/personal-requests/{request_id}/{act}", told | body)


async def mine(market: Market) -> list[dict[str, Any]]:
    headers = {"Consent-Receipt": RECEIPT}
    found = await market.bench.ask("GET", None, "/catalog/v1/my-consent/requests", headers=headers)
    return market.done(found)["items"]


async def test_a_granted_deletion_ends_the_consent_and_what_rests_on_it_in_one_commit(market: Market):
    provider, version_id = await consenting(market)
    request = market.done(await ask(market), 201)
    assert (request["state"], request["next_actor"]) == ("received", "provider")
    before = len(await market.facts())
    done = market.done(await answer(market, provider, request["id"], "grant", answer_hash=HASH))
    assert (done["state"], done["answer_hash"]) == ("granted", HASH)
    assert (await market.acts())[before:] == ["personal_request_granted", "consent_withdrawn", "conditions_changed"]
    assert "separate_consent" not in await conditions(market, version_id)
    shown = market.done(await looked_up(market, RECEIPT))
    assert (shown["state"], shown["reason_code"]) == ("withdrawn", "erased_on_request")
    [told] = await mine(market)
    assert (told["details"], told["answer"]) == ("请删除我的信息：张三", "已删除")


async def test_asking_works_after_the_withdrawal_too_and_one_of_a_kind_waits(market: Market):
    provider, _ = await consenting(market)
    market.done(await withdrawn(market, RECEIPT))
    first, again = [await ask(market, key="one-key-for-it") for _ in range(2)]
    assert first.status_code == 201 and first.json() == again.json()
    assert refusal(await ask(market)) == (409, "personal_request_pending")
    market.done(await ask(market, "access"), 201)
    market.done(await answer(market, provider, first.json()["id"], "grant"))
    assert (await market.acts())[-1] == "personal_request_granted"  # there is no consent left to end
    market.done(await ask(market), 201)
    assert refusal(await ask(market, receipt="66" * 32)) == (404, "no_such_consent")


async def test_what_a_provider_leaves_undone_becomes_the_operators(market: Market):
    provider, _ = await consenting(market)
    request = market.done(await ask(market), 201)
    due = datetime.fromisoformat(request["deadline"])
    assert due == deadline_after(market.bench.clock.now(), 15).at
    security = market.bench.staff("operator_security")
    early = await answer(market, security, request["id"], "operator-refusal")
    assert refusal(early) == (409, "not_yours_to_answer")
    market.bench.clock.advance(seconds=(due - market.bench.clock.now()).total_seconds())
    await market.bench.refresh()
    assert refusal(await answer(market, provider, request["id"], "grant")) == (409, "term_passed")
    for _ in range(2):
        await jobs.tick(market.catalog)
    assert (await market.acts()).count("personal_request_escalated") == 1
    assert refusal(await answer(market, provider, request["id"], "grant")) == (409, "not_yours_to_answer")
    done = market.done(await answer(market, security, request["id"], "operator-refusal"))
    assert (done["state"], done["reason_code"], done["escalations"]) == ("refused", "not_identified", 1)
    assert (await mine(market))[0]["answer"] == "无法核实"


async def test_strangers_see_neither_request_nor_words(market: Market):
    provider, _ = await consenting(market)
    request, stranger = market.done(await ask(market), 201), await market.provider()
    path = f"/catalog/v1/personal-requests/{request['id']}"
    answers = [await market.bench.get(stranger, f"/catalog/v1/personal-requests/{each}")
               for each in (request["id"], PersonalRequestId.new())]  # fmt: skip
    assert [each.status_code for each in answers] == [404, 404]
    assert answers[0].json() | {"request_id": ""} == answers[1].json() | {"request_id": ""}
    assert refusal(await answer(market, stranger, request["id"], "grant")) == (404, "no_such_personal_request")
    business = market.bench.staff("operator_business")
    assert (await answer(market, business, request["id"], "operator-grant")).status_code == 403
    assert (await answer(market, await market.bench.member("buyer"), request["id"], "grant")).status_code == 403
    assert market.done(await market.bench.get(provider, path))["details"] == "请删除我的信息：张三"
    listed = market.done(await market.bench.get(provider, "/catalog/v1/personal-requests"))["items"]
    assert [one["id"] for one in listed] == [request["id"]] and "details" not in listed[0]
    assert market.done(await market.bench.get(stranger, "/catalog/v1/personal-requests"))["items"] == []


async def test_the_words_stand_in_the_log_as_a_commitment_that_the_keeper_can_erase(market: Market):
    await consenting(market)
    request = market.done(await ask(market), 201)
    [received] = [each for each in await market.facts() if each.act == "catalog.personal_request_received"]
    assert "张三" not in received.line and "details" not in received.data
    async with market.catalog.database.read() as tx:
        row = (await tx.execute(select(*disclosures_table.c))).one()
    assert (row.name, row.subject, row.purpose) == ("details", request["consent_id"], "personal_request")
    assert commit("details", row.value, row.salt).hex in received.line


async def test_words_are_forgotten_thirty_days_after_the_end(market: Market):
    provider, _ = await consenting(market)
    request = market.done(await ask(market), 201)
    waiting = market.done(await ask(market, "access"), 201)
    market.done(await answer(market, provider, request["id"], "refusal"))
    market.bench.clock.advance(days=30, seconds=-1)
    await market.bench.refresh()
    for seconds, words in ((0, "无法核实"), (1, None)):
        market.bench.clock.advance(seconds=seconds)
        await jobs.tick(market.catalog)
        shown = {one["id"]: one for one in await mine(market)}
        assert shown[request["id"]]["answer"] == words and (shown[request["id"]]["details"] is None) is (words is None)
    assert shown[waiting["id"]]["details"]  # what still waits is kept
    async with market.catalog.database.read() as tx:
        kept = await tx.scalar(select(personal_requests.c.details).where(personal_requests.c.id == request["id"]))
        assert kept is None and (await tx.scalar(text("select count(*) from personal_requests"))) == 2
