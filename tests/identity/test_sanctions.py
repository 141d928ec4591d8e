"""Trading's sanctions as identity takes them in: announced to all, once, and never in the way of an operator."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest

from services.identity import jobs
from services.identity.rules.merchant import MerchantClass
from shared.facts import Category, Fact
from shared.ids import ParticipantId, SanctionId
from tests.identity.conftest import ON_ONE_DATABASE, Desk, credit_code
from tests.identity.test_sponsorships import Sponsors

DAYS = 180


@dataclass(frozen=True, slots=True)
class SanctionFact(Fact):
    """What identity reads of a fact of trading's, and something that it does not."""

    category: ClassVar[Category] = Category.TRADE
    sanction_id: SanctionId
    participant_id: ParticipantId
    revision: int
    deadline: datetime | None
    reason: str | None = "累计失信"
    points: int = 100


@dataclass(frozen=True, slots=True)
class SanctionImposed(SanctionFact):
    pass


@dataclass(frozen=True, slots=True)
class SanctionRevoked(SanctionFact):
    pass


@dataclass(frozen=True, slots=True)
class SanctionEnded(SanctionFact):
    pass


@dataclass(frozen=True, slots=True)
class SanctionProposed(SanctionFact):
    pass


@dataclass(frozen=True, slots=True)
class SanctionDropped(SanctionFact):
    pass


def imposed(desk: Desk, who: str, sanction_id: SanctionId, days: int = DAYS) -> SanctionFact:
    return SanctionImposed(sanction_id, ParticipantId(who), 3, desk.clock.now() + timedelta(days=days))


def revoked(who: str, sanction_id: SanctionId) -> SanctionFact:
    return SanctionRevoked(sanction_id, ParticipantId(who), 4, None)


async def tell(desk: Desk, *facts: Fact) -> None:
    desk.trading.announce(desk.clock, *facts)
    await jobs.follow_trading(desk.identity)
    await desk.hear()


async def seen(desk: Desk, who: str) -> tuple[str, dict[str, Any] | None, str]:
    """The status on record, the sanction beside it, and what every service goes by."""
    told = (await desk.get("security", f"/participants/{who}")).json()
    return told["status"], told["sanction"], desk.core.standing.of(ParticipantId(who)).status


async def binding(desk: Desk, who: str) -> str | None:
    sanction = (await seen(desk, who))[1]
    return sanction["sanction_id"] if sanction else None


async def announced(desk: Desk) -> list[str]:
    return [act for act in await desk.told() if "sanction" in act]


async def test_a_sanction_suspends_with_reason_and_end_and_lifts_with_it(desk: Desk):
    who, sanction_id = await desk.admitted("ana", "buyer"), SanctionId.new()
    told = imposed(desk, who, sanction_id)
    assert told.deadline
    await tell(desk, told)
    until = told.deadline.isoformat().replace("+00:00", "Z")
    by = {"sanction_id": sanction_id, "until": until, "reason": "累计失信"}
    assert await seen(desk, who) == ("admitted", by, "suspended")
    own = (await desk.get("ana", f"/participants/{who}")).json()
    assert own["sanction"] == by
    [fact] = [each for each in await desk.facts() if each.act == "identity.participant_sanctioned"]
    assert (fact.data["sanction_id"], fact.data["reason"]) == (sanction_id, "累计失信")
    await tell(desk, revoked(who, sanction_id))
    assert await seen(desk, who) == ("admitted", None, "admitted")
    assert await announced(desk) == ["participant_sanctioned", "participant_sanction_lifted"]


@ON_ONE_DATABASE
async def test_its_end_counts_by_the_clock_whether_or_not_it_was_told(desk: Desk):
    who, sanction_id = await desk.admitted("ana", "buyer"), SanctionId.new()
    await tell(desk, imposed(desk, who, sanction_id, days=9))
    desk.clock.advance(days=9, microseconds=-1)
    assert desk.core.standing.of(ParticipantId(who)).status == "suspended"
    desk.clock.advance(microseconds=1)
    assert desk.core.standing.of(ParticipantId(who)).status == "admitted"
    await tell(desk, SanctionEnded(sanction_id, ParticipantId(who), 4, None))
    assert await announced(desk) == ["participant_sanctioned", "participant_sanction_lifted"]


@ON_ONE_DATABASE
async def test_told_again_or_the_wrong_way_round_it_comes_to_the_same_once(desk: Desk):
    who, first, second = await desk.admitted("ana", "buyer"), SanctionId.new(), SanctionId.new()
    told = imposed(desk, who, first)
    await tell(desk, told, told)
    assert await announced(desk) == ["participant_sanctioned"]
    await tell(desk, revoked(who, second), imposed(desk, who, second, days=500))
    assert await announced(desk) == ["participant_sanctioned"]
    await tell(desk, revoked(who, first), told)
    assert await seen(desk, who) == ("admitted", None, "admitted")
    assert await announced(desk) == ["participant_sanctioned", "participant_sanction_lifted"]


@ON_ONE_DATABASE
async def test_of_two_the_longer_binds_and_then_the_other(desk: Desk):
    who, longer, shorter = await desk.admitted("ana", "buyer"), SanctionId.new(), SanctionId.new()
    await tell(desk, imposed(desk, who, shorter, days=9), imposed(desk, who, longer, days=20))
    assert await binding(desk, who) == longer
    await tell(desk, revoked(who, longer))
    assert await binding(desk, who) == shorter
    assert await announced(desk) == ["participant_sanctioned"] * 3


async def test_what_an_operator_suspended_stays_so_and_a_sanction_stays_when_an_operator_reinstates(desk: Desk):
    who, sanction_id = await desk.admitted("ana", "buyer"), SanctionId.new()
    await tell(desk, imposed(desk, who, sanction_id))
    by = (await seen(desk, who))[1]
    assert (await desk.decide("security", who, "suspend")).status_code == 200
    assert await seen(desk, who) == ("suspended", by, "suspended")
    assert (await desk.decide("security", who, "reinstate")).status_code == 200
    assert await seen(desk, who) == ("admitted", by, "suspended")
    assert (await desk.decide("security", who, "reinstate")).json()["code"] == "illegal_move"
    assert (await desk.decide("security", who, "suspend")).status_code == 200
    await tell(desk, revoked(who, sanction_id))
    assert await seen(desk, who) == ("suspended", None, "suspended")


@ON_ONE_DATABASE
async def test_what_is_proposed_dropped_or_about_a_stranger_suspends_nobody(desk: Desk):
    who = await desk.admitted("ana", "buyer")
    about, later = (SanctionId.new(), ParticipantId(who)), desk.clock.now() + timedelta(days=9)
    await tell(desk, SanctionProposed(*about, 1, later), SanctionDropped(*about, 3, None))
    await tell(
        desk, imposed(desk, ParticipantId.new(), SanctionId.new()), revoked(ParticipantId.new(), SanctionId.new())
    )
    assert await seen(desk, who) == ("admitted", None, "admitted")
    assert await announced(desk) == []


@ON_ONE_DATABASE
async def test_whoever_leaves_and_comes_back_comes_back_under_the_sanction(desk: Desk):
    code, sanction_id = credit_code(7_000), SanctionId.new()
    applied = (await desk.apply("ana", "buyer", uscc=code)).json()["id"]
    await desk.prove(applied, "ana")
    await desk.admit("security", applied, "C2")
    await desk.decide("security", applied, "exit")
    await tell(desk, imposed(desk, applied, sanction_id))
    assert (await seen(desk, applied))[0] == "exited"
    again = (await desk.apply("ben", "buyer", uscc=code)).json()["id"]
    await desk.prove(again, "ben")
    admitted = await desk.admit("security", again, "C2")
    assert (admitted.json()["status"], admitted.json()["sanction"]["sanction_id"]) == ("admitted", sanction_id)
    await desk.hear()
    assert desk.core.standing.of(ParticipantId(again)).status == "suspended"
    await tell(desk, revoked(applied, sanction_id))
    assert await seen(desk, again) == ("admitted", None, "admitted")


@ON_ONE_DATABASE
async def test_the_directory_shows_it_and_nobody_is_vouched_for_by_whoever_is_sanctioned(desk: Desk):
    desk.app.state.service = replace(desk.identity, sponsored_classes=frozenset({MerchantClass.PARTY}))
    sponsors, sanction_id = Sponsors(desk), SanctionId.new()
    sponsor = await sponsors.add("spo")
    await sponsors.sponsored("ana", "spo")
    assert [each["id"] for each in (await desk.get("ana", "/sponsors")).json()["items"]] == [sponsor]
    await tell(desk, imposed(desk, sponsor, sanction_id))
    listed = (await desk.get("ana", "/directory")).json()["items"]
    assert {each["id"]: each["status"] for each in listed}[sponsor] == "suspended"
    assert (await desk.get("ana", "/sponsors")).json()["items"] == []
    assert (await desk.told())[-3:] == ["participant_sanctioned", "sponsorship_ended", "verification_shortened"]
    await tell(desk, revoked(sponsor, sanction_id))
    assert [each["id"] for each in (await desk.get("ana", "/sponsors")).json()["items"]] == [sponsor]


@pytest.mark.parametrize("act", ["imposed", "revoked"])
@ON_ONE_DATABASE
async def test_a_fact_that_could_not_be_taken_in_whole_is_taken_in_again(
    desk: Desk, act: str, monkeypatch: pytest.MonkeyPatch
):
    async def full(*_: object) -> None:
        raise RuntimeError("the disk is full")

    who, sanction_id = await desk.admitted("ana", "buyer"), SanctionId.new()
    if act == "revoked":
        await tell(desk, imposed(desk, who, sanction_id))
    before = await seen(desk, who)
    desk.trading.announce(
        desk.clock, imposed(desk, who, sanction_id) if act == "imposed" else revoked(who, sanction_id)
    )
    with monkeypatch.context() as broken:
        broken.setattr(type(desk.identity.outbox), "record", full)
        with pytest.raises(RuntimeError):
            await jobs.follow_trading(desk.identity)
    await desk.hear()
    assert await seen(desk, who) == before
    await tell(desk)
    assert (await seen(desk, who))[2] == ("suspended" if act == "imposed" else "admitted")
