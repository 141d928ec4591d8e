"""Plans, treatments, keys and reports, without a file."""

import hmac

import pytest

from services.delivery.inspector.messages import Secret
from services.delivery.rules import effect
from services.delivery.rules.desensitisation import (
    MaskTooWeak,
    NamedTwice,
    NothingLeft,
    Plan,
    Treatment,
    UnknownField,
    Wishes,
    check,
    treatment,
    wishes_digest,
)
from services.delivery.rules.detection import FieldDetection
from services.delivery.rules.effect import Cut, Groups
from services.delivery.rules.inspection import InspectedField, Inspection
from services.delivery.rules.masking import Mask
from services.delivery.rules.pseudonym import SHIFT_DAYS_MAX, SHIFT_DAYS_MIN, PseudonymKey, Purpose, key_for
from services.delivery.rules.quasi_identifier import says_so
from shared import canonical
from shared.grades import G1, G3, G4, Flag, Grade
from shared.ids import ParticipantId, VersionId
from shared.kinds import Kind
from tests.support.clock import ToldClock

KINDS = {
    "姓名": Kind.NAME,
    "手机号": Kind.PHONE,
    "生日": Kind.BIRTH_DATE,
    "诊断": Kind.HEALTH,
    "性别": None,
    "额": None,
}
VERSION = VersionId.new()


def detection(field: str, kind: Kind) -> FieldDetection:
    return FieldDetection(field, kind, True, 10_000, None, 100, 10_000)


FOUND = Inspection(100, tuple(
    InspectedField(name, "text", 0, 50, (detection(name, kind),) if kind else ()) for name, kind in KINDS.items()
))  # fmt: skip


def plan(*masks: tuple[str, Mask], quasi: tuple[str, ...] = (), sensitive: tuple[str, ...] = ()) -> Plan:
    return Plan(VERSION, 1, ParticipantId.new(), Wishes(masks, quasi, sensitive), ToldClock().now())


def treated(grade: Grade = G3, declared: Plan | None = None, *flags: Flag) -> Treatment:
    return treatment(FOUND, grade, frozenset(flags or {Flag.PERSONAL}), declared)


def test_without_a_plan_the_platforms_masks_apply():
    applied = treated()
    assert applied.plan_revision == 0 and applied.masks == {
        "姓名": Mask.KEEP_INITIAL, "手机号": Mask.KEEP_ENDS, "生日": Mask.KEEP_YEAR, "诊断": Mask.HIDE,
    }  # fmt: skip
    assert applied.quasi_identifiers == ("生日", "性别") and applied.smallest_group == 5
    assert treated(G4).smallest_group == 20 and treated(G1).smallest_group == 1


def test_a_plan_adds_to_the_platforms_masks():
    applied = treated(G3, plan(("手机号", Mask.PSEUDONYM), ("额", Mask.BAND_100), quasi=("额",), sensitive=("诊断",)))
    assert applied.masks["手机号"] is Mask.PSEUDONYM and applied.masks["额"] is Mask.BAND_100
    assert applied.masks["姓名"] is Mask.KEEP_INITIAL and applied.needs_key
    assert applied.quasi_identifiers == ("生日", "性别", "额") and applied.sensitive_fields == ("诊断",)


def test_where_the_grade_rose_the_stricter_of_both_applies():
    declared = plan(("手机号", Mask.PSEUDONYM), ("姓名", Mask.DROP), ("额", Mask.BAND_100))
    applied = treated(G4, declared)
    assert applied.masks["手机号"] is Mask.HIDE and applied.masks["姓名"] is Mask.DROP
    assert applied.masks["额"] is Mask.BAND_100 and not applied.needs_key


@pytest.mark.parametrize("wishes, grade, error, facts", [
    (Wishes((("手机号", Mask.KEEP),)), G3, MaskTooWeak, {"field": "手机号", "mask": "keep", "minimum": "keep_ends"}),
    (Wishes((("手机号", Mask.PSEUDONYM),)), G4, MaskTooWeak,
     {"field": "手机号", "mask": "pseudonym", "minimum": "hide"}),
    (Wishes((("生日", Mask.SHIFT_DATES),)), G3, MaskTooWeak,
     {"field": "生日", "mask": "shift_dates", "minimum": "keep_year"}),
    (Wishes((("诊断", Mask.PSEUDONYM),)), G3, MaskTooWeak, {"field": "诊断", "mask": "pseudonym", "minimum": "hide"}),
    (Wishes((("电话", Mask.HIDE),)), G3, UnknownField, {"field": "电话"}),
    (Wishes(quasi_identifiers=("电话",)), G3, UnknownField, {"field": "电话"}),
    (Wishes(sensitive_fields=("电话",)), G3, UnknownField, {"field": "电话"}),
    (Wishes((("额", Mask.HIDE), ("额", Mask.DROP))), G3, NamedTwice, {"field": "额"}),
    (Wishes(quasi_identifiers=("额", "额")), G3, NamedTwice, {"field": "额"}),
    (Wishes(tuple((name, Mask.DROP) for name in KINDS)), G3, NothingLeft, {}),
])  # fmt: skip
def test_what_is_no_plan(wishes: Wishes, grade: Grade, error: type[Exception], facts: dict[str, str]):
    with pytest.raises(error) as refused:
        check(wishes, FOUND, grade)
    assert refused.value.facts == facts  # pyright: ignore


def test_a_plan_that_is_as_strict_or_stricter_is_one():
    check(
        Wishes((("手机号", Mask.KEEP_ENDS), ("生日", Mask.KEEP_DECADE), ("诊断", Mask.DROP)), ("额",), ("额",)),
        FOUND,
        G3,
    )


def test_a_version_without_persons_is_not_cut_into_groups_unless_its_provider_says_so():
    none = treatment(FOUND, G3, frozenset(), None)
    assert none.quasi_identifiers == () and none.smallest_group == 1 and not none.persons
    named = treatment(FOUND, G3, frozenset(), plan(quasi=("额",)))
    assert named.quasi_identifiers == ("生日", "性别", "额") and named.smallest_group == 5


def test_what_shows_no_group_is_not_asked_for_company():
    applied = treated(G3, plan(("性别", Mask.DROP), ("生日", Mask.HIDE)))
    assert applied.quasi_identifiers == ("生日", "性别") and applied.showing_groups == ()


def test_the_digest_knows_masks_groups_and_the_key_where_one_is_needed():
    keyed = plan(("手机号", Mask.PSEUDONYM))
    assert treated().digest("one") == treated().digest("two")
    assert treated(G3, keyed).digest("one") != treated(G3, keyed).digest("two")
    assert len({treated().digest("one"), treated(G1).digest("one"), treated(G3, keyed).digest("one"),
                treated(G3, plan(quasi=("额",))).digest("one")}) == 4  # fmt: skip


def test_a_plan_says_the_same_in_whatever_order():
    one = Wishes((("额", Mask.HIDE), ("性别", Mask.DROP)), ("额", "性别"))
    assert wishes_digest(one) == wishes_digest(Wishes(one.masks[::-1], one.quasi_identifiers[::-1]))
    assert wishes_digest(one) != wishes_digest(Wishes(one.masks))


@pytest.mark.parametrize("name, told", [
    ("性别", True), ("sex", True), ("customerAge", True), ("home_postal_code", True), ("年龄段", True),
    ("ZipCode", True),
    ("page", False), ("sexton", False), ("备注", False), ("amount", False),
])  # fmt: skip
def test_names_of_quasi_identifiers(name: str, told: bool):
    assert says_so(name) is told


def test_keys_differ_by_version_and_purpose_and_are_never_printed():
    keys = [key_for(b"k" * 32, version, purpose) for version in (VERSION, VersionId.new()) for purpose in Purpose]
    assert len({key.secret for key in keys}) == len({key.id for key in keys}) == len(keys) == 4
    assert keys[0] == key_for(b"k" * 32, VERSION, Purpose.DELIVERY) != key_for(b"K" * 32, VERSION, Purpose.DELIVERY)
    pads = Secret(keys[0].pads[0].hex(), keys[0].pads[1].hex(), keys[0].shift_days)
    for printed in (repr(keys[0]), repr(pads)):
        assert keys[0].secret.hex() not in printed and pads.outer_pad not in printed and pads.inner_pad not in printed
    assert all(SHIFT_DAYS_MIN <= -key.shift_days <= SHIFT_DAYS_MAX for key in keys)


def test_the_pads_are_those_of_hmac():
    """RFC 4231, test case 2: key "Jefe"."""
    from hashlib import sha256

    outer, inner = PseudonymKey(b"Jefe").pads
    text = b"what do ya want for nothing?"
    made = sha256(outer + sha256(inner + text).digest()).hexdigest()
    assert made == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert made == hmac.new(b"Jefe", text, sha256).hexdigest()


def report(applied: Treatment, after: Groups) -> effect.EffectReport:
    before = Groups(100, 100, 1, 100)
    return effect.report(VERSION, "d" * 32, None, 7, applied, FOUND, before, after, Cut(3, 4), {"手机号": 40})


@pytest.mark.parametrize("smallest, grade, level, passes", [
    (1,  G3, 2, False),
    (4,  G3, 2, False),
    (5,  G3, 2, True),
    (19, G4, 2, False),
    (20, G4, 3, True),
    (20, G3, 3, True),
    (1,  G1, 2, True),
])  # fmt: skip
def test_a_report_passes_where_the_smallest_group_is_large_enough(
    smallest: int, grade: Grade, level: int, passes: bool
):
    made = report(treated(grade), Groups(100, 100 // smallest, smallest, 0))
    assert (made.level, made.passes) == (level, passes)


def test_a_direct_identifier_that_is_kept_fails_whatever_the_groups():
    kept = treatment(Inspection(100, (InspectedField("tel", "text", 0, 9, (detection("tel", Kind.PHONE),)),)), G3,
                     frozenset({Flag.PERSONAL}), None)  # fmt: skip
    unmasked = Treatment(G3, 0, kept.fields, {}, {}, (), (), 5, True)
    made = effect.report(
        VERSION, "d" * 32, None, 7, unmasked, Inspection(100, (InspectedField("tel", "text", 0, 9, (
            detection("tel", Kind.PHONE),)),)), Groups(100, 1, 100, 0), Groups(100, 1, 100, 0), Cut(0, 0), {},
    )  # fmt: skip
    assert (made.level, made.passes, made.direct_identifiers_kept) == (1, False, ("tel",))


def test_the_ratios_of_a_report():
    made = report(treated(), Groups(97, 12, 6, 0, 2, 4_000))
    assert (made.after.highest_basis_points, made.after.average_basis_points) == (1_667, 1_238)
    assert (made.before.highest_basis_points, made.before.unique_basis_points) == (10_000, 10_000)
    [phones] = made.fields
    assert (phones.distinct_before, phones.distinct_after, phones.lost_basis_points) == (50, 40, 2_000)
    assert (made.generalised_rows, made.suppressed_rows) == (3, 4)


def test_a_report_is_canonical_and_leaves_out_what_is_not_there():
    made = report(treated(), Groups(100, 10, 10, 0))
    assert made.digest == canonical.digest(made.members())
    assert "key_id" not in made.members() and "diversity" not in made.members()["after"]
