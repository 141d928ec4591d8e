"""The states of a negotiation beside those of the Dataspace Protocol (2025-1)."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from services.trading.rules import negotiation as rules
from services.trading.rules.negotiation import (
    ACCEPTED,
    AGREED,
    FINALIZED,
    NEGOTIATION,
    REQUESTED,
    TERMINATED,
    VERIFIED,
    WAITING,
    Objection,
    State,
)
from shared.lifecycle import IllegalMove
from tests.trading.made import NOON
from tests.trading.negotiation.made import (
    BUYER,
    DAY,
    PROVIDER,
    accepted,
    agreed,
    answered,
    awaiting,
    opened,
)

SCHEMA = "shared/vectors/dsp-2025-1-err1/negotiation/contract-negotiation-schema.json"  # beside the project

# Its figure (2025-1), less the parts that say who sends the message.
PROTOCOL = {
    "REQUESTED": {"OFFERED", "AGREED", "TERMINATED"}, "OFFERED": {"REQUESTED", "ACCEPTED", "TERMINATED"},
    "ACCEPTED": {"AGREED", "TERMINATED"}, "AGREED": {"VERIFIED", "TERMINATED"},
    "VERIFIED": {"FINALIZED", "TERMINATED"}, "FINALIZED": set[str](), "TERMINATED": set[str](),
}  # fmt: skip


def test_the_table_is_the_protocols_but_for_the_providers_yes():
    ours = {state.upper(): {each.upper() for each in following} for state, following in NEGOTIATION.moves.items()}
    assert ours == PROTOCOL | {"REQUESTED": {"OFFERED", "ACCEPTED", "TERMINATED"}}


def test_a_connector_is_told_no_edge_that_the_protocol_has_not():
    by_provider = accepted(answered(opened(PROVIDER), BUYER, 90), PROVIDER)
    assert (by_provider.state, by_provider.protocol_state) == (ACCEPTED, REQUESTED)
    assert awaiting().protocol_state is ACCEPTED
    assert agreed(by_provider).protocol_state is AGREED
    for run in (
        [opened(), by_provider, agreed(by_provider)], [opened(PROVIDER), awaiting(), agreed(awaiting())],
        [by_provider, rules.refuse(by_provider, None, Objection.GROUNDS_MISSING, "不", NOON)],
    ):  # fmt: skip
        seen = [each.protocol_state.upper() for each in run]
        for before, after in zip(seen, seen[1:], strict=False):
            assert before == after or after in PROTOCOL[before]


def test_every_state_is_one_that_the_protocols_schema_knows():
    beside = Path(__file__).parents[4:]
    schema = next((place / SCHEMA for place in beside if (place / SCHEMA).exists()), None)
    if schema is None:
        pytest.skip(f"NOT CHECKED against the Dataspace Protocol: there is no {SCHEMA} beside the project")
    known = set(json.loads(schema.read_text())["definitions"]["ContractNegotiation"]["properties"]["state"]["enum"])
    assert {state.upper() for state in State} == known


def test_no_state_is_left_but_along_the_table():
    for state in State:
        held = replace(agreed(accepted(opened(), PROVIDER)), state=state)
        if VERIFIED not in NEGOTIATION.moves[state]:
            with pytest.raises(IllegalMove):
                rules.verify(held, NOON)
        assert (held.next_actor is None) is (state in {FINALIZED, TERMINATED})
        assert rules.deadline_has_passed(held, NOON + 99 * DAY) is (state in WAITING)
