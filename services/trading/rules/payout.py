"""A payout (出金): how much of a wallet one person may pay out in a day, and how two persons pay out more (双人复核).

Owns: the limit of a day, and the lifecycle of a payout that one person proposes and another approves.
Promises: what one person alone has paid out counts together from midnight to midnight in Beijing, so that many small
payouts come to no more than one large; nobody is both persons of one payout, and neither is a program, for whoever
keeps its key would be; the money is held from the proposal on, so that what is approved is there, and whoever refuses,
or lets the time pass, gives it back whole.
Does not: move money. `actions/payout` does, in the commit that decides.
Sources: matrix row 26 of the authorisation rules (a second person from a limit on); 内部会计控制规范——货币资金 (2001)
art. 6 and 13 (nobody handles a payment from its beginning to its end; large ones are approved);
人民币银行结算账户管理办法 (2003) art. 40 (from 50,000 yuan on a bank asks a firm what it pays a person for).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from services.trading.rules.month import BEIJING
from shared.errors import Conflict, Forbidden, NotFound
from shared.ids import InstructionId, ParticipantId, PayoutProposalId, TransferId
from shared.lifecycle import Lifecycle
from shared.money import Money

ALWAYS = date.min


class State(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"


PROPOSED, APPROVED, REFUSED, LAPSED = State

PAYOUT_PROPOSAL = Lifecycle(start=PROPOSED, moves={
    PROPOSED: {APPROVED, REFUSED, LAPSED},
    APPROVED: set(),                         # from here on it is an instruction to the custodian
    REFUSED:  set(),
    LAPSED:   set(),
})  # fmt: skip
NEXT_ACTOR = {PROPOSED: "second_person"}
SECOND_YES, SAID_NO, NOT_APPROVED = "approved_by_second", "refused", "not_approved"


@dataclass(frozen=True, slots=True)
class Limit:
    """`alone_minor`: what one person alone may pay out in a day, from the day `since` on."""

    since: date
    alone_minor: int


@dataclass(frozen=True, slots=True)
class PayoutRules:
    """Requires a limit from `ALWAYS` on. `approval_seconds`: how long a proposal waits for its second person."""

    limits: tuple[Limit, ...]
    approval_seconds: int

    def alone_minor_at(self, moment: datetime) -> int:
        """The limit of the day in which a moment is. Of two that begin on one day the later named counts."""
        today = moment.astimezone(BEIJING).date()
        begun = [each for each in self.limits if each.since <= today]
        return max(reversed(begun), key=lambda each: each.since).alone_minor

    def with_limits(self, alone_minor: Mapping[date, int]) -> "PayoutRules":
        """The same, with what an operator sets beside it."""
        return replace(self, limits=(*self.limits, *(Limit(*each) for each in alone_minor.items())))


@dataclass(frozen=True, slots=True)
class Proposal:
    """`transfer_id` is the pending transfer that holds the money: what the custodian is told of once it is approved.
    `deadline` is the first moment that is too late."""

    id: PayoutProposalId
    participant_id: ParticipantId
    amount: Money
    transfer_id: TransferId
    proposed_by: str
    proposed_at: datetime
    deadline: datetime | None
    state: State = PAYOUT_PROPOSAL.start
    decided_by: str | None = None
    decided_at: datetime | None = None
    reason_code: str | None = None
    instruction_id: InstructionId | None = None
    revision: int = 1

    @property
    def next_actor(self) -> str | None:
        return NEXT_ACTOR.get(self.state)


class NoSuchPayoutProposal(NotFound):
    """You have no such proposal."""


class PayoutNeedsSecond(Conflict):
    """Above the limit of a day a payout takes two persons: propose it, and let a colleague approve it. `limit_minor` is
    what one person may pay out in a day, `left_minor` what is left of that today."""


class NoSecondPerson(Conflict):
    """Your organisation has one person here, and nobody could approve this. Let an administrator invite another; until
    then at most `limit_minor` a day can be paid out, and today `left_minor` more."""


class OwnProposal(Conflict):
    """Whoever proposed a payout does not approve it: another person of your organisation must."""


class PersonsOnly(Forbidden):
    """A payout is proposed and approved by two persons. A program is neither; it pays out up to the limit of a day."""


class ProposalTooLate(Conflict):
    """This payout was not approved in its time, and its money is free again; propose it anew."""


def day_of(moment: datetime) -> tuple[datetime, datetime]:
    """The moments at which the day in Beijing begins that a moment is in, and the next one does."""
    begins = moment.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
    return begins, begins + timedelta(days=1)


def require_alone(amount: Money, paid_out: Money, persons: int | None, rules: PayoutRules, now: datetime) -> None:
    """Raises PayoutNeedsSecond if this would come to more than one person may pay out in a day; or NoSecondPerson.

    Requires in `paid_out` what went out today by one person's word, and was not refused.
    """
    limit_minor = rules.alone_minor_at(now)
    if paid_out.minor + amount.minor > limit_minor:
        require_second(paid_out, persons, rules, now)
        raise PayoutNeedsSecond(limit_minor=limit_minor, left_minor=_left(limit_minor, paid_out))


def require_second(paid_out: Money, persons: int | None, rules: PayoutRules, now: datetime) -> None:
    """Raises NoSecondPerson if it is known that the organisation has no more than one. None: it is not known."""
    if persons == 1:
        limit_minor = rules.alone_minor_at(now)
        raise NoSecondPerson(limit_minor=limit_minor, left_minor=_left(limit_minor, paid_out))


def require_person(kind: str) -> None:
    if kind != "user":
        raise PersonsOnly()


def propose(
    proposal_id: PayoutProposalId, participant_id: ParticipantId, amount: Money, transfer_id: TransferId, person: str,
    rules: PayoutRules, now: datetime,
) -> Proposal:  # fmt: skip
    """The first of two. Requires that the transfer holds the amount."""
    deadline = now + timedelta(seconds=rules.approval_seconds)
    return Proposal(proposal_id, participant_id, amount, transfer_id, person, now, deadline)


def approve(proposal: Proposal, person: str, instruction_id: InstructionId, now: datetime) -> Proposal:
    """The second yes: the custodian is to be told."""
    _require_in_time(proposal, APPROVED, now)
    if person == proposal.proposed_by:
        raise OwnProposal()
    return _end(proposal, APPROVED, SECOND_YES, now, decided_by=person, instruction_id=instruction_id)


def refuse(proposal: Proposal, subject: str, now: datetime) -> Proposal:
    """By anyone of the organisation, whoever proposed it too: the money is free again."""
    _require_in_time(proposal, REFUSED, now)
    return _end(proposal, REFUSED, SAID_NO, now, decided_by=subject)


def is_due(proposal: Proposal, now: datetime) -> bool:
    return proposal.deadline is not None and now >= proposal.deadline


def pass_deadline(proposal: Proposal) -> Proposal:
    """Requires that its deadline has passed: at that moment it lapsed."""
    assert proposal.deadline
    return _end(proposal, LAPSED, NOT_APPROVED, proposal.deadline)


def _require_in_time(proposal: Proposal, to: State, now: datetime) -> None:
    PAYOUT_PROPOSAL.move(proposal.state, to)
    if is_due(proposal, now):
        raise ProposalTooLate(deadline=proposal.deadline)


def _left(limit_minor: int, paid_out: Money) -> int:
    """Nothing where a limit was lowered below what had gone out by then."""
    return max(0, limit_minor - paid_out.minor)


def _end(proposal: Proposal, to: State, reason_code: str, at: datetime, **changes: Any) -> Proposal:
    state = PAYOUT_PROPOSAL.move(proposal.state, to)
    return replace(
        proposal, state=state, deadline=None, reason_code=reason_code, decided_at=at, revision=proposal.revision + 1,
        **changes,
    )  # fmt: skip
