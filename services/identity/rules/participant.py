"""A participant: an organisation, from its application to its exit.

Promises: every change of status is in the table; no status but an end is without a deadline, and what happens then is
in a table too; nobody is admitted, reinstated or confirmed for longer than every proof that it takes stands; a
clearance of C4 or more takes two operators who agree on it, and the word of one who did not check the proofs; a
deadline counts by itself, whether or not the job has yet noticed it.
Does not: know that an organisation has one living application (an index decides that), or what a clearance permits.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from services.identity.rules.document import REJECTED, VERIFIED, Document, Kind, Proofs
from services.identity.rules.merchant import (
    ANOTHER_SPONSOR_WITHIN,
    MerchantClass,
    backed_until,
    catalogue_at,
    proven_until,
    required,
)
from services.identity.rules.role import Role
from services.identity.rules.sanction import Binding
from shared.errors import Conflict, NotFound
from shared.grades import Clearance
from shared.ids import ParticipantId
from shared.lifecycle import IllegalMove, Lifecycle


class Status(StrEnum):
    APPLIED = "applied"
    ADMITTED = "admitted"
    SUSPENDED = "suspended"
    REFUSED = "refused"
    EXITED = "exited"


APPLIED, ADMITTED, SUSPENDED, REFUSED, EXITED = Status

PARTICIPANT = Lifecycle(start=APPLIED, moves={
    APPLIED:   {ADMITTED, REFUSED},
    ADMITTED:  {SUSPENDED, EXITED},
    SUSPENDED: {ADMITTED, EXITED},
    REFUSED:   set(),
    EXITED:    set(),
})  # fmt: skip

# How long a status lasts, and what follows, for which reason, if nobody decides in time.
LASTS = {
    APPLIED:   timedelta(days=30),
    ADMITTED:  timedelta(days=183),  # verified anew every six months: 网络交易监督管理办法 art. 24
    SUSPENDED: timedelta(days=183),
}  # fmt: skip
AT_DEADLINE = {
    APPLIED:   (REFUSED,   "not_decided_in_time"),
    ADMITTED:  (SUSPENDED, "verification_expired"),
    SUSPENDED: (EXITED,    "not_reinstated_in_time"),
}  # fmt: skip
TWO_PERSONS_FROM = Clearance.C4
WARNED_BEFORE = timedelta(days=30)
PROOF_REJECTED = "proof_rejected"


@dataclass(frozen=True, slots=True)
class Proposal:
    """The first of two operators' word for a clearance."""

    clearance: Clearance
    proposed_by: str


@dataclass(frozen=True, slots=True)
class Participant:
    id: ParticipantId
    name: str
    uscc: str  # 统一社会信用代码, GB 32100-2015
    roles: frozenset[Role]
    contact: str | None
    status: Status
    deadline: datetime | None
    clearance: Clearance | None = None
    proposal: Proposal | None = None
    reason_code: str | None = None
    revision: int = 1
    classes: frozenset[MerchantClass] = frozenset({MerchantClass.PARTY})
    warned_at: datetime | None = None  # that the verification in force is about to expire
    sanction: Binding | None = None  # beside the status: while it binds, whoever is admitted is suspended

    @property
    def next_actor(self) -> Role | None:
        """Whoever must act before the deadline."""
        return Role.OPERATOR_SECURITY if self.status in LASTS else None

    @property
    def verified_until(self) -> datetime | None:
        """Until when it may trade, unless it is verified anew."""
        return self.deadline if self.status is ADMITTED else None

    @property
    def proposed_clearance(self) -> Clearance | None:
        return self.proposal.clearance if self.proposal else None


@dataclass(frozen=True, slots=True)
class Affiliation:
    """Two participants under common control. It has no direction: the lower id stands first."""

    one_id: ParticipantId
    other_id: ParticipantId


class NoSuchParticipant(NotFound):
    """There is no such participant, or you may not see it."""


class AlreadyApplied(Conflict):
    """An organisation with this credit code has applied already; its administrator can log in and see how it stands."""


class ApplicationLapsed(Conflict):
    """Nobody decided on this application in time; the organisation must apply again."""


class NoLongerPresent(Conflict):
    """This organisation was refused, or has left; it can only apply again."""


class SecondPersonRequired(Conflict):
    """You proposed this yourself; someone else must agree to it."""


class CheckedByYourself(Conflict):
    """You checked what this rests on yourself; from C4 on somebody else must decide on it."""


class OnlyWhileAdmitted(Conflict):
    """Only an admitted participant's clearance can change; that of a suspended one can be lowered."""


class OwnAffiliate(Conflict):
    """A participant is not its own affiliate."""


class AlreadyAffiliated(Conflict):
    """These two are on record as affiliates."""


def apply(
    participant_id: ParticipantId, name: str, uscc: str, roles: frozenset[Role], contact: str | None,
    classes: frozenset[MerchantClass], now: datetime,
) -> Participant:  # fmt: skip
    """Requires a credit code whose check digit is right, and at least one of the trading roles and of the classes."""
    deadline = now + LASTS[APPLIED]
    return Participant(participant_id, name, uscc, roles, contact, PARTICIPANT.start, deadline, classes=classes)


def admit(
    participant: Participant, clearance: Clearance, operator: str, proofs: Proofs, now: datetime
) -> Participant:  # fmt: skip
    """Admitted with this clearance, for as long as every proof stands; still applied, with a proposal, if a second
    operator must agree first. Raises ProofMissing, SponsorMissing, SecondPersonRequired, CheckedByYourself."""
    if participant.status is not APPLIED:
        raise IllegalMove(state=participant.status, to=ADMITTED)
    _require_in_time(participant, now)
    until = _proven_until(participant, clearance, proofs, now)
    if clearance >= TWO_PERSONS_FROM and not _is_second(participant.proposal, clearance, operator):
        return _propose(participant, clearance, operator)
    _require_not_checked_by(operator, participant, clearance, proofs, now)
    return _move(participant, ADMITTED, now, clearance=clearance, proposal=None, deadline=until)


def refuse(participant: Participant, reason_code: str, now: datetime) -> Participant:
    refused = _move(participant, REFUSED, now, reason_code=reason_code, proposal=None)
    _require_in_time(participant, now)
    return refused


def suspend(participant: Participant, reason_code: str, now: datetime) -> Participant:
    return _move(participant, SUSPENDED, now, reason_code=reason_code, proposal=None)


def reinstate(
    participant: Participant, operator: str, reason_code: str, proofs: Proofs, now: datetime
) -> Participant:  # fmt: skip
    """With the clearance it had, for as long as every proof of it stands. One that has only applied must be admitted
    instead. Raises ProofMissing, SponsorMissing, CheckedByYourself."""
    if (status := status_at(participant, now)) is not SUSPENDED or participant.clearance is None:
        raise IllegalMove(state=status, to=ADMITTED)
    until = _proven_until(participant, participant.clearance, proofs, now)
    _require_not_checked_by(operator, participant, participant.clearance, proofs, now)
    return _move(participant, ADMITTED, now, reason_code=reason_code, deadline=until)


def leave(participant: Participant, reason_code: str, now: datetime) -> Participant:
    return _move(participant, EXITED, now, reason_code=reason_code, proposal=None)


def bind(participant: Participant, sanction: Binding | None) -> Participant:
    """Under this sanction from now on, or under none; the same if it was so before."""
    return participant if participant.sanction == sanction else _change(participant, sanction=sanction)


def change_clearance(
    participant: Participant, clearance: Clearance, operator: str, proofs: Proofs, now: datetime
) -> Participant:
    """With this clearance from now on, verified anew; up to C4 or more, first with a proposal until a second agrees.

    Less trust takes no proof, and gives no more time. Raises OnlyWhileAdmitted, ProofMissing, SponsorMissing,
    SecondPersonRequired, CheckedByYourself.
    """
    status = status_at(participant, now)
    if participant.clearance is None or status not in {ADMITTED, SUSPENDED}:
        raise OnlyWhileAdmitted(status=status)
    if clearance < participant.clearance:
        return _change(participant, clearance=clearance, proposal=None, reason_code="lowered")
    if status is not ADMITTED:
        raise OnlyWhileAdmitted(status=status)
    until = _proven_until(participant, clearance, proofs, now)
    raised = clearance > participant.clearance
    if raised and clearance >= TWO_PERSONS_FROM and not _is_second(participant.proposal, clearance, operator):
        return _propose(participant, clearance, operator)
    _require_not_checked_by(operator, participant, clearance, proofs, now)
    code = "raised" if raised else "verified_anew"
    return _change(
        participant, clearance=clearance, proposal=None, reason_code=code, deadline=until, warned_at=None
    )  # fmt: skip


def follow_check(participant: Participant, before: Document, after: Document, now: datetime) -> Participant:
    """What a check of its document makes of a participant: the same, suspended, or admitted for less long.

    A proposal falls, for it was made on other proofs.
    """
    if participant.proposal:
        participant = _change(participant, proposal=None)
    if participant.status is not ADMITTED or after.kind not in _required(participant, participant.clearance, now):
        return participant
    if before.state is VERIFIED and after.state is REJECTED:
        return suspend(participant, PROOF_REJECTED, now)
    if participant.deadline and after.deadline and after.deadline < participant.deadline:
        return _change(participant, deadline=after.deadline)
    return participant


def lose_sponsor(participant: Participant, lost_at: datetime) -> Participant:
    """What becomes of a participant whose sponsor vouches for it no longer since then: it has thirty days to find
    another and be verified anew. A proposal falls. Requires that it takes a sponsor."""
    until = lost_at + ANOTHER_SPONSOR_WITHIN
    if participant.proposal:
        participant = _change(participant, proposal=None)
    if participant.verified_until is None or participant.verified_until <= until:
        return participant
    return _change(participant, deadline=until, warned_at=None)


def require_present(participant: Participant) -> None:
    """Raises NoLongerPresent for an organisation that was refused, or has left."""
    if not PARTICIPANT.moves[participant.status]:
        raise NoLongerPresent(status=participant.status)


def is_due_soon(participant: Participant, now: datetime) -> bool:
    """Whether it is admitted for thirty days more at most."""
    return participant.verified_until is not None and now >= participant.verified_until - WARNED_BEFORE


def warn(participant: Participant, now: datetime) -> Participant:
    """Requires that it is due soon, and that nobody has said so yet."""
    return _change(participant, warned_at=now)


def pass_deadline(participant: Participant, now: datetime) -> Participant:
    """Requires a status in `AT_DEADLINE`, and that the deadline has passed."""
    status, reason_code = AT_DEADLINE[participant.status]
    return _move(participant, status, now, reason_code=reason_code, proposal=None)


def affiliation(one_id: ParticipantId, other_id: ParticipantId) -> Affiliation:
    if one_id == other_id:
        raise OwnAffiliate()
    return Affiliation(*sorted((one_id, other_id)))


def status_at(participant: Participant, now: datetime) -> Status:
    """The status that counts: what follows at the deadline, once that has passed, noticed or not; and suspended, while
    a sanction binds who would be admitted."""
    is_late = participant.deadline is not None and now >= participant.deadline
    status = AT_DEADLINE[participant.status][0] if is_late else participant.status
    is_bound = participant.sanction is not None and participant.sanction.binds_at(now)
    return SUSPENDED if status is ADMITTED and is_bound else status


def _require_in_time(participant: Participant, now: datetime) -> None:
    if participant.deadline is not None and now >= participant.deadline:
        raise ApplicationLapsed(deadline=participant.deadline)


def _is_second(proposal: Proposal | None, clearance: Clearance, operator: str) -> bool:
    """Whether this operator is the second to name this clearance. Raises SecondPersonRequired if also the first."""
    if proposal is None or proposal.clearance != clearance:
        return False
    if proposal.proposed_by == operator:
        raise SecondPersonRequired(proposed_clearance=clearance)
    return True


def _required(participant: Participant, clearance: Clearance | None, now: datetime) -> frozenset[Kind]:
    return required(catalogue_at(now), participant.classes, clearance) if clearance else frozenset()


def _proven_until(participant: Participant, clearance: Clearance, proofs: Proofs, now: datetime) -> datetime:
    until = proven_until(catalogue_at(now), participant.classes, clearance, proofs, now)
    return backed_until(participant.classes, proofs, until)


def _require_not_checked_by(
    operator: str, participant: Participant, clearance: Clearance, proofs: Proofs, now: datetime
) -> None:
    if clearance < TWO_PERSONS_FROM:
        return
    own = {kind for kind in _required(participant, clearance, now) if proofs.checked_by[kind] == operator}
    if own:
        raise CheckedByYourself(checked=sorted(own))


def _propose(participant: Participant, clearance: Clearance, operator: str) -> Participant:
    return _change(participant, proposal=Proposal(clearance, operator))


def _move(participant: Participant, to: Status, now: datetime, **changes: Any) -> Participant:
    deadline = now + LASTS[to] if to in LASTS else None
    changes = {"deadline": deadline, "warned_at": None} | changes
    return _change(participant, status=PARTICIPANT.move(participant.status, to), **changes)


def _change(participant: Participant, **changes: Any) -> Participant:
    return replace(participant, revision=participant.revision + 1, **changes)
