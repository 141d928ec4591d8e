"""Whose interest an agent may serve in one auction."""

import pytest

from services.trading.rules.agency import AgentOfRival, require_single_interest, rivals_of
from shared.ids import ParticipantId

AGENT, ANA, BEN, CAI = [ParticipantId.new() for _ in range(4)]


def test_the_agent_and_everyone_else_it_bids_for_are_the_principals_rivals():
    assert rivals_of(ANA, AGENT, frozenset({ANA, BEN})) == {AGENT, BEN}
    assert rivals_of(ANA, AGENT, frozenset({ANA})) == {AGENT}


def test_one_rival_among_the_bidders_is_enough():
    require_single_interest({ANA, CAI}, {AGENT, BEN})
    for rival in (AGENT, BEN):
        with pytest.raises(AgentOfRival):
            require_single_interest({ANA, rival}, {AGENT, BEN})
