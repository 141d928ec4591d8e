"""When an agent may bid for its principal: where it has no other interest in the auction.

Source: 民法典 art. 168: an agent acts for its principal neither with itself nor with another whom it acts for.
"""

from collections.abc import Set

from shared.errors import Forbidden
from shared.ids import ParticipantId


class AgentOfRival(Forbidden):
    """You are a bidder in this auction yourself, or act for another one; one interest has one agent."""


def rivals_of(
    principal_id: ParticipantId, agent_id: ParticipantId, principals: Set[ParticipantId]
) -> set[ParticipantId]:
    """Whose bidding an agent of this principal would also know or do. `principals`: all whom it may bid for."""
    return {agent_id, *principals} - {principal_id}


def require_single_interest(registered: Set[ParticipantId], rivals: Set[ParticipantId]) -> None:
    """Raises AgentOfRival if one of them is a bidder too."""
    if registered & rivals:
        raise AgentOfRival()
