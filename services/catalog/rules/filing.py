"""A filing 登记申请: what is asked of the register, from the day it is handed in until it is entered or not.

Owns: the types of filings, the course that each takes, its lifecycle and its deadlines.
Promises: an asset has one open filing at a time; what concerns another party waits for its consent; what is disputed
under public notice 公示 is not entered before an operator has decided; every state that waits ends by itself.
A first registration follows its entry (see `registration`), which alone says how far it has come; the others lead.
Sources: 扬州 2024 (登记申请→合规审核→公示→发证; 首次、许可、转移、变更、注销、撤销、异议), 长春 (续展); reliability
5.1 row 6 (two persons from G4).
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.catalog.rules.asset import REGISTERED as ASSET_REGISTERED
from services.catalog.rules.asset import (
    REVIEW_OVERDUE,
    REVIEWED_WITHIN,
    Asset,
    Description,
    Entry,
    NextActor,
    NoSuchAsset,
)
from services.catalog.rules.asset import WITHDRAWN as ASSET_WITHDRAWN
from services.catalog.rules.rights import Right
from shared.errors import Conflict, Forbidden, NotFound
from shared.grades import G4
from shared.ids import AssetId, FilingId, ParticipantId, VersionId
from shared.lifecycle import Lifecycle


class Type(StrEnum):
    FIRST = "first"  # 首次
    LICENCE = "licence"  # 许可
    TRANSFER = "transfer"  # 转移
    CHANGE = "change"  # 变更
    RENEWAL = "renewal"  # 续展
    DEREGISTRATION = "deregistration"  # 注销
    REVOCATION = "revocation"  # 撤销


class FilingState(StrEnum):
    SUBMITTED = "submitted"
    UNDER_REVIEW = "under_review"
    UNDER_NOTICE = "under_notice"
    OBJECTED = "objected"
    REGISTERED = "registered"
    REFUSED = "refused"
    LAPSED = "lapsed"
    WITHDRAWN = "withdrawn"


SUBMITTED, UNDER_REVIEW, UNDER_NOTICE, OBJECTED, REGISTERED, REFUSED, LAPSED, WITHDRAWN = FilingState
FILING = Lifecycle(start=SUBMITTED, moves={
    SUBMITTED:    {UNDER_REVIEW, REGISTERED, REFUSED, LAPSED, WITHDRAWN},  # the other party consents, or does not
    UNDER_REVIEW: {UNDER_NOTICE, REGISTERED, REFUSED, LAPSED, WITHDRAWN},
    UNDER_NOTICE: {OBJECTED, REGISTERED, REFUSED, UNDER_REVIEW, WITHDRAWN},  # reviewed again if the grade rose
    OBJECTED:     {UNDER_NOTICE, REFUSED, WITHDRAWN},
    REGISTERED:   set(),
    REFUSED:      set(),
    LAPSED:       set(),
    WITHDRAWN:    set(),
})  # fmt: skip
TWO_PERSONS_FROM = G4
CONSENTED_WITHIN = timedelta(days=15)
RENEWABLE_BEFORE = timedelta(days=180)
CONSENT_OVERDUE, DECLINED, WITHDRAWN_BY_APPLICANT = "consent_overdue", "declined", "withdrawn_by_applicant"
ASSET_WITHDRAWN_MEANWHILE = "asset_withdrawn"


@dataclass(frozen=True, slots=True)
class Course:
    """What a type of filing passes through before it is entered."""

    consent: bool
    notice: bool
    always_two_persons: bool = False


COURSES = {
    Type.FIRST:          Course(consent=False, notice=True),
    Type.LICENCE:        Course(consent=True,  notice=True),
    Type.TRANSFER:       Course(consent=True,  notice=True),
    Type.CHANGE:         Course(consent=False, notice=True),
    Type.RENEWAL:        Course(consent=False, notice=False),
    Type.DEREGISTRATION: Course(consent=False, notice=False),
    Type.REVOCATION:     Course(consent=False, notice=False, always_two_persons=True),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Licence:
    """Whom the holder lets use the data, for what, how long. It leaves the holder's own rights as they are."""

    licensee_id: ParticipantId
    scope: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """What is to stand on the register instead; what is None stays."""

    about: Description | None = None
    rights: tuple[Right, ...] | None = None


@dataclass(frozen=True, slots=True)
class Grounds:
    """Why the operators revoke a registration."""

    reason_code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Particulars:
    """What a filing asks for, by its type: a licence, a new holder, a change, or a revocation for these grounds.

    The others ask for nothing more.
    """

    licence: Licence | None = None
    new_holder_id: ParticipantId | None = None
    change: Change | None = None
    grounds: Grounds | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """`applicant_id` is None where the operators file. `version_id`: of a first registration, which version."""

    id: FilingId
    type: Type
    asset_id: AssetId
    provider_id: ParticipantId
    applicant_id: ParticipantId | None
    filed_at: datetime
    state: FilingState
    next_actor: NextActor | None
    deadline: datetime | None
    version_id: VersionId | None = None
    particulars: Particulars = Particulars()
    operators: tuple[str, ...] = ()
    notice_ends_at: datetime | None = None
    reason_code: str | None = None
    revision: int = 1

    @property
    def counterparty_id(self) -> ParticipantId | None:
        """Who must consent, and sees the filing."""
        licence = self.particulars.licence
        return licence.licensee_id if licence else self.particulars.new_holder_id

    @property
    def is_open(self) -> bool:
        return bool(FILING.moves[self.state])


class NoSuchFiling(NotFound):
    """There is no such filing, or you may not see it."""


class AssetNotRegistered(Conflict):
    """This is filed for a registered asset; register it first."""


class FilingOpen(Conflict):
    """Another filing for this asset is open; wait for its outcome, or withdraw it."""


class OwnParty(Conflict):
    """The other party of a licence or transfer is another participant than the holder."""


class TermMustLieAhead(Conflict):
    """The end of the term must lie ahead."""


class RenewalTooEarly(Conflict):
    """A registration is renewed in the last 180 days of its term."""


class NothingChanges(Conflict):
    """The register says this already."""


class FilingNotUnderReview(Conflict):
    """This filing does not wait for an operator's decision, or it is a first registration: decide on its asset."""


class SecondOperatorRequired(Conflict):
    """A second operator must agree."""


class NotTheHolder(Forbidden):
    """Licences and transfers are filed by whom the rights belong to, changes and renewals by the provider."""


class PartyNotAdmitted(Conflict):
    """The other party is not admitted to this market."""


class NotYourConsent(Forbidden):
    """This filing does not wait for your consent."""


class FilingOverdue(Conflict):
    """The time for this is up. What follows from that is about to be recorded; look again."""


def require_applicant(asset: Asset, kind: Type, party: ParticipantId) -> None:
    """Raises NoSuchAsset for strangers, and NotTheHolder if this is the other one's to file."""
    if party not in {asset.provider_id, asset.rights_holder_id}:
        raise NoSuchAsset()
    theirs = asset.rights_holder_id if kind in {Type.LICENCE, Type.TRANSFER} else asset.provider_id
    if party != theirs:
        raise NotTheHolder()


def first(filing_id: FilingId, entry: Entry, now: datetime) -> Filing:
    """Requires an entry whose pending version has just been submitted."""
    asset, review = entry.asset, entry.asset.review
    assert review
    return Filing(
        filing_id, Type.FIRST, asset.id, asset.provider_id, asset.provider_id, now, UNDER_REVIEW, asset.next_actor,
        asset.deadline, review.version_id,
    )  # fmt: skip


def follow(filing: Filing, entry: Entry) -> Filing:
    """A first registration as its entry says how far it has come."""
    asset, review = entry.asset, entry.asset.review
    assert filing.version_id
    if review is None or review.version_id != filing.version_id:
        if entry.version(filing.version_id).is_registered:
            return _ended(filing, REGISTERED, None)
        outcome = LAPSED if asset.reason_code == REVIEW_OVERDUE else REFUSED
        return _ended(filing, WITHDRAWN if asset.state is ASSET_WITHDRAWN else outcome, asset.reason_code)
    if review.notice_ends_at is None:
        to = UNDER_REVIEW
    else:
        to = OBJECTED if asset.next_actor is NextActor.OPERATOR else UNDER_NOTICE
    waits = {"next_actor": asset.next_actor, "deadline": asset.deadline}
    agreed = {"operators": review.operators, "notice_ends_at": review.notice_ends_at}
    if to is filing.state:
        return replace(filing, revision=filing.revision + 1, **waits, **agreed)
    return _move(filing, to, **waits, **agreed)


def file(
    filing_id: FilingId, kind: Type, particulars: Particulars, asset: Asset, applicant_id: ParticipantId | None,
    now: datetime,
) -> Filing:  # fmt: skip
    """A new filing for a registered asset. Requires that the asset is the applicant's to file this for."""
    if asset.state is not ASSET_REGISTERED:
        raise AssetNotRegistered(state=asset.state)
    _require_sense(particulars, kind, asset, now)
    course = COURSES[kind]
    deadline = now + (CONSENTED_WITHIN if course.consent else REVIEWED_WITHIN)
    actor = NextActor.COUNTERPARTY if course.consent else NextActor.OPERATOR
    new = Filing(
        filing_id, kind, asset.id, asset.provider_id, applicant_id, now, FILING.start, actor, deadline,
        particulars=particulars,
    )  # fmt: skip
    return new if course.consent else _to_review(new, now)


def consent(filing: Filing, party: ParticipantId, now: datetime) -> Filing:
    """The other party's yes: the operators review it now."""
    _require_consent_of(filing, party)
    _require_in_time(filing, now)
    return _to_review(filing, now)


def decline(filing: Filing, party: ParticipantId, now: datetime) -> Filing:
    _require_consent_of(filing, party)
    _require_in_time(filing, now)
    return _ended(filing, REFUSED, DECLINED)


def agree(filing: Filing, asset: Asset, operator: str, notice: timedelta, now: datetime) -> Filing:
    """After an operator's yes: entered, under notice, or still under review until a second operator agrees.

    Requires that the operator is a person's subject.
    """
    _require_review(filing)
    _require_in_time(filing, now)
    course = COURSES[filing.type]
    two = course.always_two_persons or (asset.grade is not None and asset.grade >= TWO_PERSONS_FROM)
    if operator in filing.operators:
        raise SecondOperatorRequired(grade=asset.grade)
    agreed = replace(filing, operators=(*filing.operators, operator))
    if two and not filing.operators:
        return replace(agreed, revision=agreed.revision + 1)
    if course.notice and notice:
        ends_at = now + notice
        return _move(agreed, UNDER_NOTICE, next_actor=NextActor.ANYONE, deadline=ends_at, notice_ends_at=ends_at)
    return _ended(agreed, REGISTERED, None)


def refuse(filing: Filing, reason_code: str, now: datetime) -> Filing:
    _require_review(filing)
    _require_in_time(filing, now)
    return _ended(filing, REFUSED, reason_code)


def withdraw(filing: Filing, now: datetime) -> Filing:
    """By its applicant. A first registration is taken back by withdrawing the asset, once it has been decided."""
    if filing.type in {Type.FIRST, Type.REVOCATION}:
        raise FilingNotUnderReview(state=filing.state)
    _require_in_time(filing, now)
    return _ended(filing, WITHDRAWN, WITHDRAWN_BY_APPLICANT)


def enter(filing: Filing) -> Filing:
    """Entered at once: its provider takes the asset off the register, which needs nobody's leave."""
    return _ended(filing, REGISTERED, None)


def moot(filing: Filing, reason_code: str = ASSET_WITHDRAWN_MEANWHILE) -> Filing:
    """The asset goes off the register, and so there is nothing left to decide."""
    return _ended(filing, WITHDRAWN, reason_code)


def hold(filing: Filing, until: datetime) -> Filing:
    """With an objection that an operator decides. Another one may hold it for longer."""
    held = max(until, filing.deadline or until) if filing.state is OBJECTED else until
    waits = {"next_actor": NextActor.OPERATOR, "deadline": held}
    if filing.state is OBJECTED:
        return replace(filing, revision=filing.revision + 1, **waits)
    return _move(filing, OBJECTED, **waits)


def resume(filing: Filing) -> Filing:
    """Once no objection is open any more. What is left of the notice goes on; if nothing is, it ends at once."""
    return _move(filing, UNDER_NOTICE, next_actor=NextActor.ANYONE, deadline=filing.notice_ends_at)


def turn_down(filing: Filing, reason_code: str) -> Filing:
    """Refused while under notice: an objection was upheld, or the register's own gates do not let it pass any more."""
    return _ended(filing, REFUSED, reason_code)


def is_late(filing: Filing, now: datetime) -> bool:
    return filing.deadline is not None and filing.deadline <= now


def pass_time(filing: Filing) -> Filing:
    """After its deadline: the notice has ended and it is entered; or nobody consented or decided, and it lapses.

    Requires that the deadline has passed, and that no objection is open.
    """
    if filing.state is UNDER_NOTICE:
        return _ended(filing, REGISTERED, None)
    return _ended(filing, LAPSED, CONSENT_OVERDUE if filing.state is SUBMITTED else REVIEW_OVERDUE)


def _require_sense(particulars: Particulars, kind: Type, asset: Asset, now: datetime) -> None:
    licence, change = particulars.licence, particulars.change
    if asset.rights_holder_id in {licence and licence.licensee_id, particulars.new_holder_id}:
        raise OwnParty()
    if licence and licence.valid_until <= now:
        raise TermMustLieAhead()
    if change and change.rights is None and change.about in {None, asset.about}:
        raise NothingChanges()
    if kind is Type.RENEWAL and asset.valid_until and now < asset.valid_until - RENEWABLE_BEFORE:
        raise RenewalTooEarly(renewable_from=asset.valid_until - RENEWABLE_BEFORE)


def _require_review(filing: Filing) -> None:
    if filing.state is not UNDER_REVIEW or filing.type is Type.FIRST:
        raise FilingNotUnderReview(state=filing.state)


def _require_consent_of(filing: Filing, party: ParticipantId) -> None:
    if filing.state is not SUBMITTED or filing.counterparty_id != party:
        raise NotYourConsent(state=filing.state)


def _require_in_time(filing: Filing, now: datetime) -> None:
    if is_late(filing, now):
        raise FilingOverdue(deadline=filing.deadline)


def _to_review(filing: Filing, now: datetime) -> Filing:
    return _move(filing, UNDER_REVIEW, next_actor=NextActor.OPERATOR, deadline=now + REVIEWED_WITHIN)


def _ended(filing: Filing, to: FilingState, reason_code: str | None) -> Filing:
    return _move(filing, to, next_actor=None, deadline=None, reason_code=reason_code)


def _move(filing: Filing, to: FilingState, **changes: Any) -> Filing:
    return replace(filing, state=FILING.move(filing.state, to), revision=filing.revision + 1, **changes)
