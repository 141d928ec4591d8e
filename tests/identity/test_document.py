"""What the rules of documents and of the catalogue of merchants promise."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.rules import document as rules
from services.identity.rules.document import (
    CHECK_LASTS,
    CHECKED_WITHIN,
    DOCUMENT,
    FILED,
    LAPSED,
    REJECTED,
    REPLACED,
    VERIFIED,
    Check,
    Document,
    DocumentLapsed,
    DocumentNotInForce,
    Kind,
    Method,
    MethodDoesNotFit,
    ResultOnly,
    State,
)
from services.identity.rules.merchant import (
    CATALOGUES,
    Catalogue,
    MerchantClass,
    ProofMissing,
    catalogue_at,
    proven_until,
    required,
)
from shared.grades import C1, C2, C3, C4, C5, Clearance
from shared.ids import DocumentId, ParticipantId
from shared.lifecycle import IllegalMove

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
A_MOMENT, A_DAY = timedelta(microseconds=1), timedelta(days=1)
ANA = ParticipantId.new()
HASH = "0" * 64


def filed(kind: Kind = Kind.UNDERTAKING, valid_until: datetime | None = None) -> Document:
    return rules.file(DocumentId.new(), ANA, kind, HASH, NOON - A_DAY, valid_until, NOON)


def a_look(now: datetime = NOON, passed: bool = True, method: Method = Method.BY_HAND) -> Check:
    return Check(method, passed, "2030-17", "user_checker", now)


def in_state(state: State) -> Document:
    return replace(filed(), state=state, deadline=NOON + A_DAY if DOCUMENT.moves[state] else None)


ACTS: dict[str, tuple[Callable[[Document], Document], State]] = {
    "verify":  (lambda document: rules.check(document, a_look(), None), VERIFIED),
    "reject":  (lambda document: rules.check(document, a_look(passed=False), "forged"), REJECTED),
    "replace": (rules.replace_by_newer, REPLACED),
    "lapse":   (rules.pass_deadline, LAPSED),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("state", State)
def test_every_act_on_a_document_leads_where_the_table_says_or_nowhere(state: State, act: str):
    do, to = ACTS[act]
    before = in_state(state)
    if to not in DOCUMENT.moves[state]:
        with pytest.raises(IllegalMove):
            do(before)
        return
    after = do(before)
    assert (after.state, after.revision, after.deadline is None) == (to, 2, not DOCUMENT.moves[to])


def test_only_an_end_has_nobody_to_act():
    actors = {state: in_state(state).next_actor for state in State}
    assert actors == {FILED: "operator_security", VERIFIED: "participant", REJECTED: None, REPLACED: None, LAPSED: None}


@pytest.mark.parametrize("issued, until, taken", [
    (NOON,            None,            True),
    (NOON + A_MOMENT, None,            False),
    (NOON - A_DAY,    NOON,            False),
    (NOON - A_DAY,    NOON + A_MOMENT, True),
])  # fmt: skip
def test_a_document_is_taken_while_it_is_in_force(issued: datetime, until: datetime | None, taken: bool):
    args = (DocumentId.new(), ANA, Kind.BUSINESS_LICENCE, HASH, issued, until, NOON)
    if taken:
        assert rules.file(*args).state is FILED
    else:
        with pytest.raises(DocumentNotInForce) as refused:
            rules.file(*args)
        assert refused.value.facts == {"issued_at": issued, "valid_until": until}


def test_of_a_person_no_document_is_taken_and_nothing_is_kept():
    with pytest.raises(ResultOnly) as refused:
        filed(Kind.REPRESENTATIVE_IDENTITY)
    assert refused.value.facts == {"kind": "representative_identity"}
    told = rules.identify(DocumentId.new(), ANA, NOON)
    assert (told.kind, told.content_hash, told.issued_at, told.valid_until, told.deadline) == (
        "representative_identity", None, None, None, NOON + CHECKED_WITHIN,
    )  # fmt: skip


@pytest.mark.parametrize("valid_until, worth", [
    (None,                          timedelta(days=183)),
    (NOON + timedelta(days=184),    timedelta(days=183)),
    (NOON + timedelta(days=182),    timedelta(days=182)),
])  # fmt: skip
def test_a_check_is_worth_half_a_year_and_never_more_than_the_document(valid_until: datetime, worth: timedelta):
    checked = rules.check(filed(valid_until=valid_until), a_look(), None)
    assert checked.deadline == NOON + worth
    assert checked.check == a_look()


def test_what_waits_too_long_for_its_check_is_checked_no_more():
    waiting, end = filed(), NOON + CHECKED_WITHIN
    assert rules.check(waiting, a_look(end - A_MOMENT), None).state is VERIFIED
    with pytest.raises(DocumentLapsed) as refused:
        rules.check(waiting, a_look(end), None)
    assert refused.value.facts == {"deadline": end}
    assert rules.pass_deadline(waiting).reason_code == "not_checked_in_time"
    assert rules.pass_deadline(rules.check(waiting, a_look(), None)).reason_code == "proof_expired"
    assert rules.replace_by_newer(waiting).reason_code == "replaced_by_newer"


def test_a_second_look_counts_from_when_it_was_taken_and_may_find_otherwise():
    first = rules.check(filed(), a_look(), None)
    later = NOON + timedelta(days=100)
    assert rules.check(first, a_look(later), None).deadline == later + CHECK_LASTS
    found_false = rules.check(first, a_look(later, passed=False), "forged")
    assert (found_false.state, found_false.deadline, found_false.reason_code) == (REJECTED, None, "forged")


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("method", Method)
def test_each_method_verifies_what_it_can_know(method: Method, kind: Kind):
    fits = {
        Method.BY_HAND: True, Method.REGISTER: kind is Kind.BUSINESS_LICENCE,
        Method.NETWORK_IDENTITY: kind is Kind.REPRESENTATIVE_IDENTITY,
    }[method]  # fmt: skip
    document = replace(filed(), kind=kind)
    if fits:
        assert rules.check(document, a_look(method=method), None).state is VERIFIED
    else:
        with pytest.raises(MethodDoesNotFit) as refused:
            rules.check(document, a_look(method=method), None)
        assert refused.value.facts == {"kind": kind}


def test_what_is_proven_is_what_is_verified_and_not_yet_over():
    one, other = rules.check(filed(), a_look(), None), filed(Kind.AUTHORISATION)
    end = NOON + CHECK_LASTS
    for now, proven in ((NOON, {Kind.UNDERTAKING}), (end - A_MOMENT, {Kind.UNDERTAKING}), (end, set[Kind]())):
        proofs = rules.proofs_of([one, other], now)
        assert (set(proofs.until), set(proofs.checked_by)) == (proven, proven)
    assert rules.proofs_of([one], NOON).until == {Kind.UNDERTAKING: end}
    assert rules.proofs_of([one], NOON).checked_by == {Kind.UNDERTAKING: "user_checker"}


BASE = {"business_licence", "representative_identity", "authorisation", "undertaking"}


@pytest.mark.parametrize("classes, clearance, kinds", [
    ({"party"},                C1, BASE),
    ({"consulting", "other"},  C1, BASE),
    ({"party"},                C2, BASE | {"statement_of_purpose"}),
    ({"delivery"},             C1, BASE | {"security_capability"}),
    ({"assessment"},           C1, BASE | {"professional_qualification"}),
    ({"intermediary"},         C1, BASE | {"professional_qualification"}),
    ({"party"},                C3, BASE | {"statement_of_purpose", "security_capability"}),
    ({"party"},                C4, BASE | {"statement_of_purpose", "security_capability", "protection_level_three",
                                           "consent_to_audit"}),
    ({"party", "assessment"},  C5, set(Kind)),
], ids=range(9))  # fmt: skip
def test_what_an_admission_takes(classes: set[str], clearance: Clearance, kinds: set[str]):
    assert required(catalogue_at(NOON), map(MerchantClass, classes), clearance) == kinds


def test_the_catalogue_knows_every_class_and_every_clearance():
    for catalogue in CATALOGUES:
        assert (set(catalogue.by_class), set(catalogue.by_clearance)) == (set(MerchantClass), set(Clearance))


def test_the_catalogue_in_force_is_the_newest_that_has_begun():
    newer = Catalogue("2030-1", NOON, {}, {})
    both = (*CATALOGUES, newer)
    assert catalogue_at(NOON - A_MOMENT, both) is CATALOGUES[0]
    assert catalogue_at(NOON, both) is newer
    assert catalogue_at(datetime(2020, 1, 1, tzinfo=UTC), both) is CATALOGUES[0]


@given(classes=st.sets(st.sampled_from(MerchantClass), min_size=1), more=st.sampled_from(MerchantClass),
       clearance=st.sampled_from(Clearance), higher=st.sampled_from(Clearance))  # fmt: skip
def test_more_trust_and_more_classes_never_take_less(
    classes: set[MerchantClass], more: MerchantClass, clearance: Clearance, higher: Clearance
):
    catalogue, high = catalogue_at(NOON), max(clearance, higher)
    assert required(catalogue, classes, clearance) <= required(catalogue, classes | {more}, high)


@given(days=st.fixed_dictionaries({kind: st.integers(0, 183) for kind in Kind}), clearance=st.sampled_from(Clearance))
def test_an_admission_stands_as_long_as_its_shortest_proof(days: dict[Kind, int], clearance: Clearance):
    """Against a naive reading: look at the proofs one day after the other."""
    documents = [
        replace(filed(), kind=kind, state=VERIFIED, check=a_look(), deadline=NOON + timedelta(days=many))
        for kind, many in days.items()
    ]
    catalogue, classes = catalogue_at(NOON), {MerchantClass.PARTY}
    kinds = required(catalogue, classes, clearance)

    def stands(day: int) -> bool:
        return all(days[kind] > day for kind in kinds)

    proofs = rules.proofs_of(documents, NOON)
    if not stands(0):
        with pytest.raises(ProofMissing) as refused:
            proven_until(catalogue, classes, clearance, proofs, NOON)
        missing = sorted(kind for kind in kinds if not days[kind])
        assert refused.value.facts == {"missing": missing, "clearance": clearance}
        return
    last = max(day for day in range(184) if stands(day))
    assert proven_until(catalogue, classes, clearance, proofs, NOON) == NOON + timedelta(days=last + 1)


def test_where_nothing_must_be_proven_half_a_year_is_the_most():
    lax = Catalogue("0", NOON, {C1: frozenset()}, {MerchantClass.PARTY: frozenset()})
    assert proven_until(lax, {MerchantClass.PARTY}, C2, rules.proofs_of([], NOON), NOON) == NOON + CHECK_LASTS
