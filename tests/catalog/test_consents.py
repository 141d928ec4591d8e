"""Single consents: who withdraws how, what a version loses by it and towards whom, and that nobody is named."""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st

from services.catalog import jobs
from services.catalog.rules import consent as rules
from services.catalog.rules.consent import (
    NEEDED_FOR,
    Consent,
    ConsentValidityOutOfRange,
    Kind,
    RecipientIsProvider,
    Signature,
    Text,
    expire,
    give,
    lost,
    stands,
    withdraw,
)
from shared.grades import C5, G2, RAW, Condition, Flag, decide
from shared.ids import AssetId, ConsentId, ParticipantId, VersionId
from shared.lifecycle import IllegalMove
from tests.catalog.made import NOON
from tests.catalog.market import PERSONS, Market, a_report, refusal
from tests.support.bench import Person

ASSET, VERSION, PROVIDER = AssetId.new(), VersionId.new(), ParticipantId.new()
ONE, OTHER = ParticipantId.new(), ParticipantId.new()
HASH, DAY, INSTANT = "ab" * 32, timedelta(days=1), timedelta(microseconds=1)
SEPARATE, GUARDIAN = Condition.SEPARATE_CONSENT, Condition.GUARDIAN_CONSENT
RECEIPT = "0f" * 32


def a_consent(
    kind: Kind = Kind.PROVISION, recipient: ParticipantId | None = ONE, *, who: str = "a", purpose: str = "research",
    days: float = 10, at: datetime = NOON,
) -> Consent:  # fmt: skip
    text = Text(kind, purpose, recipient, "1", HASH, at + days * DAY)
    return give(ConsentId.new(), (ASSET, VERSION), PROVIDER, text, Signature(who, uuid4().hex), at)


@pytest.mark.parametrize("kind, condition", [
    (Kind.PROVISION, SEPARATE), (Kind.SENSITIVE, SEPARATE), (Kind.EXPORT, SEPARATE), (Kind.GUARDIAN, GUARDIAN),
])  # fmt: skip
def test_a_withdrawn_consent_takes_away_what_it_was_needed_for(kind: Kind, condition: Condition):
    consent = a_consent(kind)
    assert lost([consent], ONE, NOON) == set()
    assert lost([withdraw(consent, rules.BY_PERSON, NOON)], ONE, NOON) == {condition}
    assert set(NEEDED_FOR) == set(Kind)


def test_a_consent_stands_until_the_moment_its_time_is_up():
    consent = a_consent(days=10)
    end = NOON + 10 * DAY
    assert (consent.deadline, consent.next_actor) == (end, "person")
    assert [stands(consent, at) for at in (end - INSTANT, end, end + INSTANT)] == [True, False, False]
    assert [lost([consent], ONE, at) for at in (end - INSTANT, end)] == [set(), {SEPARATE}]
    over = expire(consent)
    assert (over.state, over.ended_at, over.reason_code, over.deadline) == (
        rules.EXPIRED, end, "valid_until_passed", None,
    )  # fmt: skip
    assert over.next_actor is None and over.revision == 2


def test_a_withdrawal_towards_one_recipient_leaves_the_others_alone():
    gone = withdraw(a_consent(recipient=ONE), rules.BY_PERSON, NOON)
    assert lost([gone], ONE, NOON) == {SEPARATE}
    assert lost([gone], OTHER, NOON) == lost([gone], None, NOON) == set()


def test_a_withdrawal_of_what_was_for_all_counts_towards_all():
    gone = withdraw(a_consent(recipient=None), rules.BY_PERSON, NOON)
    assert lost([gone], ONE, NOON) == lost([gone], None, NOON) == {SEPARATE}


@pytest.mark.parametrize("days, changes, made_up", [
    (1,  {},                                True),
    (0,  {},                                False),  # given in the same moment: not after it
    (-1, {},                                False),  # a twin that was there before makes up for nothing
    (1,  {"who": "b"},                      False),
    (1,  {"purpose": "marketing"},          False),
    (1,  {"kind": Kind.SENSITIVE},          False),
    (1,  {"recipient": OTHER},              False),
    (1,  {"recipient": None},               True),
])  # fmt: skip
def test_only_a_later_consent_of_the_same_person_to_the_same_makes_up_for_a_withdrawal(
    days: int, changes: dict[str, Any], made_up: bool
):
    gone = withdraw(a_consent(at=NOON - 5 * DAY), rules.BY_PERSON, NOON)
    new = a_consent(at=NOON + days * DAY, **changes)
    assert lost([gone, new], ONE, NOON + 2 * DAY) == (set() if made_up else {SEPARATE})


def test_a_renewal_before_the_time_is_up_makes_up_for_what_runs_out():
    old, new = a_consent(days=2), a_consent(days=9, at=NOON + DAY)
    for ended in (old, expire(old)):
        assert lost([ended, new], ONE, NOON + 3 * DAY) == set()
    assert lost([old, new], ONE, NOON + 10 * DAY) == {SEPARATE}


@pytest.mark.parametrize("after, refused", [
    (timedelta(0), True), (INSTANT, False), (rules.VALID_AT_MOST, False), (rules.VALID_AT_MOST + INSTANT, True),
])  # fmt: skip
def test_a_consent_is_for_a_time_to_come_and_three_years_at_most(after: timedelta, refused: bool):
    text = Text(Kind.PROVISION, "research", ONE, "1", HASH, NOON + after)
    if not refused:
        assert give(ConsentId.new(), (ASSET, VERSION), PROVIDER, text, Signature("a", "b"), NOON).deadline
        return
    with pytest.raises(ConsentValidityOutOfRange) as error:
        give(ConsentId.new(), (ASSET, VERSION), PROVIDER, text, Signature("a", "b"), NOON)
    assert error.value.facts == {"valid_until": NOON + after, "valid_days_max": 1095}


def test_nobody_is_their_own_recipient_and_what_is_over_stays_over():
    with pytest.raises(RecipientIsProvider):
        a_consent(recipient=PROVIDER)
    gone = withdraw(a_consent(), rules.BY_PERSON, NOON)
    for again in (lambda: withdraw(gone, rules.BY_PERSON, NOON), lambda: expire(gone)):
        with pytest.raises(IllegalMove):
            again()


def a_story(kind: Kind, recipient: ParticipantId | None, who: str, at: int, gone: int | None) -> Consent:
    """A consent given so many days from noon, and withdrawn so many days later, if it was."""
    consent = a_consent(kind, recipient, who=who, at=NOON + at * DAY)
    return consent if gone is None else withdraw(consent, "x", NOON + (at + gone) * DAY)


consents = st.builds(
    a_story, st.sampled_from(Kind), st.sampled_from([None, ONE, OTHER]), st.sampled_from("ab"), st.integers(-20, 0),
    st.one_of(st.none(), st.integers(0, 5)),
)  # fmt: skip


@given(st.lists(consents, max_size=8), st.sampled_from([None, ONE, OTHER]))
def test_one_more_withdrawal_never_gives_anything_back(known: list[Consent], recipient: ParticipantId | None):
    before = lost(known, recipient, NOON)
    for index, each in enumerate(known):
        if each.state is rules.GIVEN:
            ended = [*known[:index], withdraw(each, "x", NOON), *known[index + 1 :]]
            assert before <= lost(ended, recipient, NOON)


@given(st.lists(consents, max_size=8), st.sampled_from([None, ONE, OTHER]))
def test_what_is_lost_is_what_a_naive_reading_says(known: list[Consent], recipient: ParticipantId | None):
    expected = set[Condition]()
    for over in known:
        if over.text.recipient_id not in (None, recipient) or stands(over, NOON):
            continue
        since = over.ended_at if over.state is rules.WITHDRAWN else datetime.min.replace(tzinfo=NOON.tzinfo)
        again = [
            new for new in known
            if stands(new, NOON) and new.by.subject == over.by.subject and new.text.kind is over.text.kind
            and new.text.recipient_id in {None, over.text.recipient_id} and since and new.given_at > since
        ]  # fmt: skip
        if not again:
            expected.add(GUARDIAN if over.text.kind is Kind.GUARDIAN else SEPARATE)
    assert lost(known, recipient, NOON) == expected


# Flags by basis: what may leave as it is. PIPL 13 knows other bases than consent; 29 and 31 know none.
PERSONAL, SENSITIVE, MINOR = Flag.PERSONAL, Flag.SENSITIVE_PERSONAL, Flag.MINOR
CONSENT, OTHER_BASIS, ASSESSED = Condition.SEPARATE_CONSENT, Condition.OTHER_BASIS, Condition.IMPACT_ASSESSMENT


@pytest.mark.parametrize("flags, on_record, reason", [
    (set[Flag](),          set[Condition](),                        None),
    ({PERSONAL},           set[Condition](),                        "separate_consent_missing"),
    ({PERSONAL},           {CONSENT},                               None),
    ({PERSONAL},           {OTHER_BASIS},                           None),
    ({SENSITIVE},          {OTHER_BASIS, ASSESSED},                 "separate_consent_missing"),
    ({SENSITIVE},          {CONSENT},                               "impact_assessment_missing"),
    ({SENSITIVE},          {CONSENT, ASSESSED},                     None),
    ({PERSONAL, MINOR},    {OTHER_BASIS, GUARDIAN},                 "separate_consent_missing"),
    ({MINOR},              {CONSENT, OTHER_BASIS},                  "guardian_consent_missing"),
    ({MINOR},              {CONSENT, GUARDIAN},                     None),
    ({SENSITIVE, MINOR},   {CONSENT, GUARDIAN},                     "impact_assessment_missing"),
    ({SENSITIVE, MINOR},   {CONSENT, GUARDIAN, ASSESSED},           None),
])  # fmt: skip
def test_which_basis_opens_which_data(flags: set[Flag], on_record: set[Condition], reason: str | None):
    assert decide(G2, RAW, C5, flags, on_record).reason_code == reason


# Over HTTP


def hashed(receipt: str) -> str:
    return hashlib.sha256(receipt.encode()).hexdigest()


async def entered(
    market: Market, provider: Person, version_id: str, *receipts: str, recipient: str | None = None, days: int = 30,
    key: str | None = None, **more: Any,
) -> Response:  # fmt: skip
    until = (market.bench.clock.now() + days * DAY).isoformat()
    persons = [{"subject": hashed(f"who {each}"), "receipt_hash": hashed(each)} for each in receipts]
    told = {"kind": "provision", "purpose": "research", "text_version": "2", "text_hash": HASH, "valid_until": until}
    path = f"/catalog/v1/versions/{version_id}/consents"
    return await market.bench.post(provider, path, told | {"persons": persons, "recipient_id": recipient} | more, key)


async def persons_registered(market: Market) -> tuple[Person, str]:
    """A registered version about persons, and its provider."""
    provider = await market.provider()
    asset = await market.registered(provider, *PERSONS)
    return provider, asset["versions"][0]["id"]


async def conditions(market: Market, version_id: str, recipient: str | None = None) -> set[str]:
    parts: dict[str, Any] = {"params": {"recipient_id": recipient}} if recipient else {}
    answer = await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}", **parts)
    return set(market.done(answer)["on_record"])


async def withdrawn(market: Market, receipt: str, key: str | None = None) -> Response:
    return await market.bench.post(None, "/catalog/v1/my-consent/withdrawal", {"receipt": receipt}, key)


async def looked_up(market: Market, receipt: str | None) -> Response:
    headers = {"Consent-Receipt": receipt} if receipt else {}
    return await market.bench.ask("GET", None, "/catalog/v1/my-consent", headers=headers)


async def test_a_person_withdraws_without_an_account_and_the_version_loses_it_in_that_commit(market: Market):
    provider, version_id = await persons_registered(market)
    assert (await entered(market, provider, version_id, RECEIPT, "1e" * 32)).status_code == 201
    assert "separate_consent" in await conditions(market, version_id)
    before = market.done(await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}"))
    shown = market.done(await looked_up(market, RECEIPT))
    assert (shown["state"], shown["version_id"], shown["text_version"]) == ("given", version_id, "2")
    first, again = [await withdrawn(market, RECEIPT, "the-same-key") for _ in range(2)]
    assert first.status_code == again.status_code == 200 and first.json() == again.json()
    assert (first.json()["state"], first.json()["reason_code"]) == ("withdrawn", "withdrawn_by_person")
    assert "separate_consent" not in await conditions(market, version_id)
    after = market.done(await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}"))
    assert after["grade_revision"] == before["grade_revision"] + 1
    assert (await market.acts())[-2:] == ["consent_withdrawn", "conditions_changed"]
    assert refusal(await withdrawn(market, RECEIPT)) == (409, "illegal_move")


async def test_a_consent_to_one_recipient_is_withdrawn_towards_that_one_only(market: Market):
    provider, version_id = await persons_registered(market)
    one, other = [str((await market.bench.member("buyer")).participant_id) for _ in range(2)]
    for who, receipt in ((one, RECEIPT), (other, "2d" * 32)):
        market.done(await entered(market, provider, version_id, receipt, recipient=who), 201)
    market.done(await withdrawn(market, RECEIPT))
    assert "separate_consent" not in await conditions(market, version_id, one)
    assert "separate_consent" in await conditions(market, version_id, other)
    assert "separate_consent" in await conditions(market, version_id)
    market.bench.clock.advance(seconds=1)
    market.done(await entered(market, provider, version_id, "3c" * 32, recipient=one), 201)  # another person
    assert "separate_consent" not in await conditions(market, version_id, one)


async def test_nobody_is_named_in_the_log_and_no_receipt_is_kept(market: Market):
    provider, version_id = await persons_registered(market)
    market.done(await entered(market, provider, version_id, RECEIPT), 201)
    market.done(await withdrawn(market, RECEIPT))
    told = [change.line for change in await market.facts() if "consent" in change.act]
    assert len(told) >= 2 and not [line for line in told if RECEIPT in line]
    [given] = [change.data for change in await market.facts() if change.act == "catalog.consents_given"]
    assert given["given"][0] | {"consent_id": ""} == {
        "consent_id": "", "subject": hashed(f"who {RECEIPT}"), "receipt_hash": hashed(RECEIPT),
    }  # fmt: skip


async def test_a_wrong_receipt_and_none_and_a_strangers_version_are_nothing(market: Market):
    provider, version_id = await persons_registered(market)
    stranger = await market.provider()
    assert refusal(await withdrawn(market, "77" * 32)) == (404, "no_such_consent")
    for receipt in (None, "77" * 32, hashed(RECEIPT)):
        assert refusal(await looked_up(market, receipt)) == (404, "no_such_consent")
    assert (await entered(market, stranger, version_id, RECEIPT)).status_code == 404
    market.done(await entered(market, provider, version_id, RECEIPT), 201)
    seen = await market.bench.get(stranger, f"/catalog/v1/versions/{version_id}/consents")
    assert market.done(seen)["items"] == []
    assert refusal(await entered(market, provider, version_id, RECEIPT)) == (409, "receipt_taken")


async def test_two_persons_with_one_idempotency_key_are_two_persons(market: Market):
    provider, version_id = await persons_registered(market)
    other = "4b" * 32
    market.done(await entered(market, provider, version_id, RECEIPT, other), 201)
    market.done(await withdrawn(market, RECEIPT, "everybody-uses-this"))
    assert refusal(await withdrawn(market, other, "everybody-uses-this")) == (422, "key_reused")
    assert market.done(await looked_up(market, other))["state"] == "given"


async def test_what_runs_out_is_lost_by_its_time_and_noticed_by_the_job(market: Market):
    provider, version_id = await persons_registered(market)
    market.done(await entered(market, provider, version_id, RECEIPT, days=3), 201)
    market.bench.clock.advance(days=3)
    await market.bench.refresh()
    assert "separate_consent" not in await conditions(market, version_id)
    await jobs.tick(market.catalog)
    assert (await market.acts())[-2:] == ["consent_expired", "conditions_changed"]
    count = len(await market.facts())
    await jobs.tick(market.catalog)
    assert len(await market.facts()) == count


async def test_nobody_is_brought_back_by_uploading_the_same_content_again(market: Market):
    provider, version_id = await persons_registered(market)
    market.done(await entered(market, provider, version_id, RECEIPT), 201)
    market.done(await withdrawn(market, RECEIPT))
    answer = await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}")
    same, other = {"content_hash": market.done(answer)["content_hash"]}, dict[str, Any]()
    for content, is_missing in ((same, True), (other, False)):
        asset = await market.drafted(provider)
        again = asset["versions"][0]["id"]
        market.done(await market.report(again, a_report(*PERSONS) | content))
        await market.recorded(provider, asset["id"], "separate_consent")
        assert ("separate_consent" not in await conditions(market, again)) is is_missing


async def test_a_later_record_does_not_hide_that_somebody_left(market: Market):
    provider, version_id = await persons_registered(market)
    market.done(await entered(market, provider, version_id, RECEIPT), 201)
    market.done(await withdrawn(market, RECEIPT))
    asset_id = market.done(await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}"))[
        "asset_id"
    ]
    await market.recorded(provider, asset_id, "separate_consent")
    assert "separate_consent" not in await conditions(market, version_id)


async def test_another_basis_is_named_where_it_is_put_on_record(market: Market):
    provider, version_id = await persons_registered(market)
    version = await market.bench.ask_as_service("delivery", "GET", f"/catalog/v1/versions/{version_id}")
    asset_id = market.done(version)["asset_id"]
    assert refusal(await market.record(provider, asset_id, "other_basis")) == (422, "basis_misplaced")
    wrong = await market.record(provider, asset_id, "impact_assessment", basis="contract")
    assert refusal(wrong) == (422, "basis_misplaced")
    record = await market.recorded(provider, asset_id, "other_basis", basis="contract")
    assert record["assessment"]["basis"] == "contract" and "other_basis" in await conditions(market, version_id)


@pytest.mark.parametrize("changes", [
    {"persons": []}, {"kind": "any"}, {"purpose": "Research"}, {"text_hash": "x"},
    {"valid_until": "2029-01-01T00:00:00Z"}, {"persons": [{"subject": "王某", "receipt_hash": HASH}]},
    {"persons": [{"subject": HASH, "receipt_hash": HASH}] * 51},
])  # fmt: skip
async def test_what_is_no_whole_consent_is_not_entered(market: Market, changes: dict[str, Any]):
    provider, version_id = await persons_registered(market)
    assert (await entered(market, provider, version_id, RECEIPT, **changes)).status_code == 422
    assert not [act for act in await market.acts() if act == "consents_given"]
