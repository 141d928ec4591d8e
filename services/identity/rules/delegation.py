"""How an organisation lets another act for it: proposed by the principal, accepted by the agent, ended by either.

Promises: nobody is an agent against their will, or of themselves; both are admitted and have the role that each act
takes, when it is agreed; who may bid has a ceiling; every delegation has an end, a year away at most, and its terms
never change; what either side ends has ended for good.
Does not: judge a single act (`shared.delegation`), or let an agent delegate further: only one's own is delegated.
"""

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.identity.rules.participant import ADMITTED, Participant, status_at
from services.identity.rules.role import Role
from shared.delegation import Act, Delegation, Limits
from shared.errors import Conflict, Malformed, NotFound
from shared.ids import DelegationId, ParticipantId
from shared.lifecycle import Lifecycle

ANSWERED_WITHIN = timedelta(days=7)
LASTS_MAX = timedelta(days=366)
NOT_ANSWERED, PERIOD_OVER = "not_answered_in_time", "period_over"
TAKES = {Act.PLACE_BIDS: Role.BUYER, Act.LIST: Role.PROVIDER}


class State(StrEnum):
    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    DECLINED = "declined"
    LAPSED = "lapsed"
    ENDED = "ended"


PROPOSED, IN_FORCE, DECLINED, LAPSED, ENDED = State
DELEGATION = Lifecycle(start=PROPOSED, moves={
    PROPOSED: {IN_FORCE, DECLINED, LAPSED, ENDED},  # ended: the principal takes it back
    IN_FORCE: {ENDED},  # revoked by the principal, given up by the agent, or over
    DECLINED: set(),
    LAPSED:   set(),
    ENDED:    set(),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mandate:
    """A delegation on its way from one side's word to its end."""

    terms: Delegation
    state: State
    deadline: datetime | None
    reason_code: str | None = None
    revision: int = 1

    @property
    def id(self) -> DelegationId:
        return self.terms.id

    @property
    def next_actor(self) -> str | None:
        return {PROPOSED: "agent", IN_FORCE: "principal"}.get(self.state)


class NoSuchDelegation(NotFound):
    """There is no such delegation, or you may not see it."""


class OwnAgent(Conflict):
    """An organisation is not its own agent."""


class AgentNotAdmitted(Conflict):
    """Only admitted organisations act for each other."""


class RoleOfActMissing(Conflict):
    """Both organisations must themselves have the role that this act takes."""


class PeriodNotPossible(Malformed):
    """A delegation ends after it begins and after now, and within a year."""


class CeilingRequired(Malformed):
    """Whoever may bid for you needs a ceiling for each bid, `amount_max`."""


class AnswerTooLate(Conflict):
    """The time to answer is over."""


def propose(
    delegation_id: DelegationId, principal: Participant, agent: Participant, limits: Limits, now: datetime
) -> Mandate:
    """Requires at least one act. Raises OwnAgent, AgentNotAdmitted, RoleOfActMissing, PeriodNotPossible,
    CeilingRequired."""
    if principal.id == agent.id:
        raise OwnAgent()
    _require_able(principal, agent, limits.acts, now)
    if not max(limits.begins_at, now) < limits.ends_at <= limits.begins_at + LASTS_MAX:
        raise PeriodNotPossible(days_max=LASTS_MAX.days)
    if Act.PLACE_BIDS in limits.acts and (limits.amount_max is None or limits.amount_max.minor <= 0):
        raise CeilingRequired()
    terms = Delegation(delegation_id, principal.id, agent.id, limits)
    return Mandate(terms, DELEGATION.start, min(now + ANSWERED_WITHIN, limits.ends_at))


def accept(mandate: Mandate, principal: Participant, agent: Participant, now: datetime) -> Mandate:
    """By the agent. Raises AnswerTooLate, and as `propose` where either side is no longer able."""
    state = DELEGATION.move(mandate.state, IN_FORCE)
    if mandate.deadline is not None and now >= mandate.deadline:
        raise AnswerTooLate(deadline=mandate.deadline)
    _require_able(principal, agent, mandate.terms.limits.acts, now)
    return _change(mandate, state, mandate.terms.limits.ends_at, None)


def decline(mandate: Mandate, reason_code: str) -> Mandate:
    """By the agent, while it is proposed."""
    return _change(mandate, DELEGATION.move(mandate.state, DECLINED), None, reason_code)


def end(mandate: Mandate, reason_code: str) -> Mandate:
    """By the principal at any time, by the agent once it is in force."""
    return _change(mandate, DELEGATION.move(mandate.state, ENDED), None, reason_code)


def pass_deadline(mandate: Mandate) -> Mandate:
    """Requires that its deadline has passed."""
    if mandate.state is PROPOSED:
        return _change(mandate, DELEGATION.move(mandate.state, LAPSED), None, NOT_ANSWERED)
    return _change(mandate, DELEGATION.move(mandate.state, ENDED), None, PERIOD_OVER)


def require_side(mandate: Mandate, participant_id: ParticipantId | None, *sides: ParticipantId) -> None:
    """Raises NoSuchDelegation for whoever is on none of these sides of it."""
    if participant_id is None or participant_id not in (sides or (mandate.terms.principal_id, mandate.terms.agent_id)):
        raise NoSuchDelegation()


def _require_able(principal: Participant, agent: Participant, acts: Set[Act], now: datetime) -> None:
    for each in (principal, agent):
        if status_at(each, now) is not ADMITTED:
            raise AgentNotAdmitted(participant_id=each.id)
        if missing := {TAKES[act] for act in acts} - each.roles:
            raise RoleOfActMissing(participant_id=each.id, roles=sorted(missing))


def _change(mandate: Mandate, state: State, deadline: datetime | None, reason_code: str | None) -> Mandate:
    return replace(mandate, state=state, deadline=deadline, reason_code=reason_code, revision=mandate.revision + 1)
