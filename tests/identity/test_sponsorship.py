"""What the rules of a sponsorship promise, and what it does to an admission."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import participant as participant_rules
from services.identity.rules import sponsorship as rules
from services.identity.rules.document import CHECK_LASTS, Kind, Proofs
from services.identity.rules.merchant import (
    ANOTHER_SPONSOR_WITHIN,
    SPONSORS,
    MerchantClass,
    ProofMissing,
    SponsorMissing,
    takes_sponsor,
)
from services.identity.rules.participant import (
    ADMITTED,
    APPLIED,
    LASTS,
    SUSPENDED,
    Participant,
    Proposal,
    Status,
    status_at,
)
from services.identity.rules.role import Role
from services.identity.rules.sponsorship import (
    ANSWERED_WITHIN,
    ASKED,
    DECLINED,
    ENDED,
    IN_FORCE,
    LAPSED,
    LASTS_MAX,
    SPONSORED_MAX,
    SPONSORSHIP,
    Ending,
    NoSuchSponsorship,
    NotASponsor,
    OwnSponsor,
    Signature,
    SponsorIsAffiliate,
    Sponsorship,
    SponsorshipAnsweredTooLate,
    SponsorshipPeriodNotPossible,
    State,
    TooManySponsored,
)
from shared.errors import Failure
from shared.grades import C2, C4
from shared.ids import KeyId, ParticipantId, SponsorshipId
from shared.lifecycle import IllegalMove

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT = timedelta(microseconds=1)
PARTY, INTERMEDIARY, DELIVERY = MerchantClass.PARTY, MerchantClass.INTERMEDIARY, MerchantClass.DELIVERY
POLICY = frozenset({PARTY})
NOBODY: frozenset[ParticipantId] = frozenset()
BY_A_KEY = Signature(KeyId.new(), "c2lnbmVk", NOON)


def an_organisation(
    *classes: MerchantClass, status: Status = ADMITTED, roles: str = "provider", uscc: str = "91110000600037341L"
) -> Participant:
    applied = participant_rules.apply(
        ParticipantId.new(), "数据公司", uscc, frozenset(map(Role, roles.split())), None, frozenset(classes), NOON
    )
    return replace(applied, status=status, deadline=NOON + LASTS[status], clearance=C2)


def a_sponsor(*classes: MerchantClass, **named: str) -> Participant:
    return an_organisation(*(classes or (INTERMEDIARY,)), uscc="91310000MA1K00001A", **named)  # pyright: ignore[reportArgumentType]


SPONSOR, SPONSORED = a_sponsor(), an_organisation(PARTY, status=APPLIED)


def ask(sponsor: Participant = SPONSOR, sponsored: Participant = SPONSORED, days: int = 100) -> Sponsorship:
    ends_at = NOON + timedelta(days=days)
    return rules.ask(SponsorshipId.new(), sponsor, sponsored, NOBODY, POLICY, ends_at, NOON)


def sign(asked: Sponsorship, now: datetime = NOON, *, sponsor: Participant = SPONSOR, already: int = 0) -> Sponsorship:
    by = replace(BY_A_KEY, signed_at=now)
    return rules.sign(asked, sponsor, SPONSORED, NOBODY, POLICY, already, by)


def refusal_of(act: Callable[[], object]) -> type[Failure]:
    with pytest.raises(Failure) as raised:
        act()
    return raised.type


@pytest.mark.parametrize("classes, roles, takes", [
    ([PARTY],               "provider",       True),
    ([PARTY],               "buyer provider", True),
    ([PARTY],               "buyer",          False),
    ([PARTY, INTERMEDIARY], "provider",       False),
    ([INTERMEDIARY],        "provider",       False),
])  # fmt: skip
def test_who_sells_and_is_of_no_class_that_stands_by_itself_takes_a_sponsor(
    classes: list[MerchantClass], roles: str, takes: bool
):
    held = frozenset(map(Role, roles.split()))
    assert takes_sponsor(held, frozenset(classes), POLICY) is takes
    assert not takes_sponsor(held, frozenset(classes), frozenset())


@pytest.mark.parametrize("sponsor, refusal", [
    (a_sponsor(INTERMEDIARY),                                  None),
    (a_sponsor(MerchantClass.CONSULTING),                      None),
    (a_sponsor(DELIVERY, PARTY),                               None),
    (a_sponsor(MerchantClass.ASSESSMENT),                      NotASponsor),
    (a_sponsor(MerchantClass.OTHER),                           NotASponsor),
    (a_sponsor(PARTY, roles="buyer"),                          NotASponsor),
    (a_sponsor(INTERMEDIARY, status=SUSPENDED),                NotASponsor),
    (a_sponsor(INTERMEDIARY, status=APPLIED),                  NotASponsor),
    (replace(SPONSOR, deadline=NOON),                          NotASponsor),
    (replace(SPONSOR, deadline=NOON + A_MOMENT),               None),
    (SPONSORED,                                                OwnSponsor),
    (replace(SPONSOR, uscc=SPONSORED.uscc),                    OwnSponsor),
])  # fmt: skip
def test_who_may_vouch_when_asked_and_when_signing(sponsor: Participant, refusal: type[Failure] | None):
    assert refusal is None or refusal_of(lambda: ask(sponsor)) is refusal
    asked = ask()
    assert refusal is None or refusal_of(lambda: sign(asked, sponsor=sponsor)) is refusal
    if refusal is None:
        assert (ask(sponsor).state, sign(ask(sponsor), sponsor=sponsor).state) == (ASKED, IN_FORCE)


def test_whoever_takes_a_sponsor_is_none_so_no_two_vouch_for_each_other():
    both = frozenset({PARTY, INTERMEDIARY})
    one, other = a_sponsor(INTERMEDIARY), an_organisation(INTERMEDIARY)
    for sponsor, sponsored in ((one, other), (other, one)):
        with pytest.raises(NotASponsor):
            rules.ask(SponsorshipId.new(), sponsor, sponsored, NOBODY, both, NOON + timedelta(days=1), NOON)
    assert not rules.may_sponsor(one, both, NOON)
    assert rules.may_sponsor(one, POLICY, NOON)
    assert rules.may_sponsor(a_sponsor(INTERMEDIARY, roles="buyer"), both, NOON)


def test_affiliates_do_not_vouch_for_each_other():
    affiliates = frozenset({SPONSOR.id})
    with pytest.raises(SponsorIsAffiliate):
        rules.ask(SponsorshipId.new(), SPONSOR, SPONSORED, affiliates, POLICY, NOON + timedelta(days=1), NOON)
    with pytest.raises(SponsorIsAffiliate):
        rules.sign(ask(), SPONSOR, SPONSORED, affiliates, POLICY, 0, BY_A_KEY)


@pytest.mark.parametrize("lasts, is_possible", [
    (timedelta(0),          False),
    (A_MOMENT,              True),
    (LASTS_MAX,             True),
    (LASTS_MAX + A_MOMENT,  False),
])  # fmt: skip
def test_a_sponsorship_ends_after_now_and_within_a_year(lasts: timedelta, is_possible: bool):
    def asked() -> Sponsorship:
        return rules.ask(SponsorshipId.new(), SPONSOR, SPONSORED, NOBODY, POLICY, NOON + lasts, NOON)

    if is_possible:
        assert asked().deadline == NOON + min(lasts, ANSWERED_WITHIN)
    else:
        with pytest.raises(SponsorshipPeriodNotPossible) as refused:
            asked()
        assert refused.value.facts == {"days_max": 366}


def test_it_is_answered_within_a_fortnight():
    asked = ask()
    signed = sign(asked, NOON + ANSWERED_WITHIN - A_MOMENT)
    assert (signed.state, signed.deadline, signed.next_actor, signed.revision) == (
        IN_FORCE, signed.ends_at, "sponsored", 2,
    )  # fmt: skip
    with pytest.raises(SponsorshipAnsweredTooLate) as late:
        sign(asked, NOON + ANSWERED_WITHIN)
    assert late.value.facts == {"deadline": NOON + ANSWERED_WITHIN}
    assert asked.next_actor == "sponsor"
    lapsed = rules.pass_deadline(asked)
    assert (lapsed.state, lapsed.reason_code, lapsed.deadline, lapsed.next_actor) == (
        LAPSED, "not_answered_in_time", None, None,
    )  # fmt: skip


def test_one_organisation_vouches_for_fifty_at_most():
    assert sign(ask(), already=SPONSORED_MAX - 1).state is IN_FORCE
    with pytest.raises(TooManySponsored) as refused:
        sign(ask(), already=SPONSORED_MAX)
    assert refused.value.facts == {"sponsored_max": 50}


def test_which_ends_there_are():
    given_ = sign(ask())
    assert (rules.decline(ask(), "busy").state, rules.decline(ask(), "busy").reason_code) == (DECLINED, "busy")
    for before in (ask(), given_):
        ended = rules.end(before, Ending.GIVEN_UP)
        assert (ended.state, ended.reason_code, ended.deadline) == (ENDED, "given_up_by_sponsored", None)
    over = rules.pass_deadline(given_)
    assert (over.state, over.reason_code) == (ENDED, "period_over")


ACTS: dict[State, Callable[[Sponsorship], Sponsorship]] = {
    IN_FORCE: sign,
    DECLINED: lambda before: rules.decline(before, "why"),
    ENDED:    lambda before: rules.end(before, "why"),
}  # fmt: skip


@pytest.mark.parametrize("state", State)
def test_every_act_leads_where_the_table_says_or_nowhere(state: State):
    before = replace(ask(), state=state)
    for to, act in ACTS.items():
        if to in SPONSORSHIP.moves[state]:
            assert act(before).state is to
        else:
            with pytest.raises(IllegalMove):
                act(before)


def test_what_is_signed_is_the_terms_and_fits_nothing_else():
    asked = ask()
    terms = {
        "sponsorship_id": asked.id, "sponsor_id": SPONSOR.id, "sponsored_id": SPONSORED.id,
        "sponsored_name": "数据公司", "sponsored_uscc": "91110000600037341L",
        "ends_at": int(asked.ends_at.timestamp()) * 1_000_000,
    }  # fmt: skip
    by_hand = json.dumps(terms, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert rules.message(asked) == b"yaosu sponsorship v1\n" + sha256(by_hand).hexdigest().encode()
    assert rules.message(sign(asked)) == rules.message(asked)
    changed = [
        replace(asked, id=SponsorshipId.new()), replace(asked, sponsor_id=ParticipantId.new()),
        replace(asked, sponsored_id=ParticipantId.new()), replace(asked, sponsored_name="数据公司二"),
        replace(asked, sponsored_uscc="91310000MA1K00001A"), replace(asked, ends_at=asked.ends_at + A_MOMENT),
    ]  # fmt: skip
    assert len({rules.message(each) for each in (asked, *changed)}) == 7


def test_only_its_sides_have_it():
    asked, other = ask(), ParticipantId.new()
    rules.require_side(asked, SPONSOR.id)
    rules.require_side(asked, SPONSORED.id)
    for who, sides in ((other, ()), (None, ()), (SPONSORED.id, (SPONSOR.id,))):
        with pytest.raises(NoSuchSponsorship):
            rules.require_side(asked, who, *sides)


# --- what an admission stands on


def test_it_vouches_while_it_is_in_force_and_its_sponsor_admitted():
    given_, asked = sign(ask(days=10)), ask(days=10)
    ends_at = given_.ends_at
    assert rules.vouches_until(given_, SPONSOR, NOON) == ends_at + ANOTHER_SPONSOR_WITHIN
    assert rules.vouches_until(given_, SPONSOR, ends_at - A_MOMENT) == ends_at + ANOTHER_SPONSOR_WITHIN
    assert rules.vouches_until(given_, SPONSOR, ends_at) is None
    assert rules.vouches_until(asked, SPONSOR, NOON) is None
    assert rules.vouches_until(None, None, NOON) is None
    assert rules.vouches_until(given_, None, NOON) is None
    assert rules.vouches_until(given_, replace(SPONSOR, status=SUSPENDED), NOON) is None
    assert SPONSOR.deadline is not None
    longer = sign(ask(days=300))
    assert rules.vouches_until(longer, SPONSOR, SPONSOR.deadline) is None  # lapsed, whether or not a job noticed


def proven(until: datetime, sponsored_until: datetime | None) -> Proofs:
    return Proofs(dict.fromkeys(Kind, until), dict.fromkeys(Kind, "checker"), True, sponsored_until)


@pytest.mark.parametrize("act", ["admit", "reinstate", "change_clearance"])
def test_nobody_comes_in_without_the_sponsor_that_they_take_or_for_longer_than_it_vouches(act: str):
    before = replace(SPONSORED, status={"admit": APPLIED, "reinstate": SUSPENDED}.get(act, ADMITTED))
    proofs_until = NOON + CHECK_LASTS

    def decided(sponsored_until: datetime | None) -> Participant:
        proofs = proven(proofs_until, sponsored_until)
        match act:
            case "reinstate":
                return participant_rules.reinstate(before, "ana", "why", proofs, NOON)
            case "admit":
                return participant_rules.admit(before, C2, "ana", proofs, NOON)
            case _:
                return participant_rules.change_clearance(before, C2, "ana", proofs, NOON)

    with pytest.raises(SponsorMissing) as missing:
        decided(None)
    assert missing.value.facts == {"classes": ["party"]}
    for bound in (proofs_until - A_MOMENT, proofs_until, proofs_until + A_MOMENT):
        assert decided(bound).verified_until == min(proofs_until, bound)


def test_what_is_not_proven_is_said_first():
    with pytest.raises(ProofMissing):
        participant_rules.admit(SPONSORED, C2, "ana", Proofs({}, {}, takes_sponsor=True), NOON)


@given(st.integers(0, 400), st.integers(0, 400))
def test_losing_a_sponsor_never_gives_time_and_takes_all_but_thirty_days(left: int, lost: int):
    lost_at = NOON + timedelta(days=lost)
    before = replace(SPONSORED, status=ADMITTED, deadline=NOON + timedelta(days=left), warned_at=NOON)
    after = participant_rules.lose_sponsor(before, lost_at)
    assert after.verified_until == min(NOON + timedelta(days=left), lost_at + timedelta(days=30))
    is_shorter = after.deadline != before.deadline
    assert (after.revision, after.warned_at) == ((2, None) if is_shorter else (1, NOON))
    assert status_at(after, lost_at + timedelta(days=30)) is SUSPENDED


def test_a_proposal_falls_with_the_sponsor_it_rested_on():
    proposed = replace(SPONSORED, proposal=Proposal(C4, "ana"))
    after = participant_rules.lose_sponsor(proposed, NOON)
    assert (after.proposal, after.deadline, after.revision) == (None, proposed.deadline, 2)
    suspended = replace(SPONSORED, status=SUSPENDED)
    assert participant_rules.lose_sponsor(suspended, NOON) is suspended


def test_the_classes_that_vouch_are_those_that_serve_others_and_do_not_judge_them():
    assert {"delivery", "intermediary", "consulting"} == SPONSORS
