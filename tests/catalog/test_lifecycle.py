"""Every act in every situation of an asset: where it leads, or why it is refused."""

from collections.abc import Callable
from enum import StrEnum
from itertools import product
from typing import Any

import pytest

from services.catalog.rules import asset as asset_rules
from services.catalog.rules import registration
from services.catalog.rules.asset import ASSET, Asset, Entry, State
from services.catalog.rules.version import VERSION, VersionState
from shared.errors import Failure
from shared.grades import G1
from shared.ids import CertificateId, VersionId
from shared.lifecycle import IllegalMove, Lifecycle
from tests.catalog.made import ABOUT, NOON, SOURCE, a_draft, a_registered, declared, submitted, with_pending

COMPLETE = declared(with_pending(a_draft()))
RENEWED = with_pending(asset_rules.add_version(a_registered(), VersionId.new(), NOON))
SITUATIONS = {
    "draft": COMPLETE,
    "submitted": submitted(COMPLETE),
    "refused": registration.refuse(submitted(COMPLETE), "incomplete", NOON),
    "registered": a_registered(),
    "renewed": RENEWED,
    "renewal_submitted": submitted(RENEWED),
    "withdrawn": Entry(asset_rules.withdraw(COMPLETE.asset), COMPLETE.versions),
}


def described(entry: Entry) -> Asset:
    return asset_rules.describe(entry.asset, ABOUT, NOON)


def changeable(entry: Entry) -> Asset:
    asset_rules.require_changeable(entry.asset)
    return asset_rules.reopen(entry, NOON).asset


ACTS: dict[str, Callable[[Entry], Asset]] = {
    "describe": described,
    "declare": lambda entry: asset_rules.declare_source(entry, SOURCE, NOON).asset,
    "renew": lambda entry: asset_rules.add_version(entry, VersionId.new(), NOON).asset,
    "grade": changeable,
    "submit": lambda entry: registration.submit(entry, NOON).asset,
    "register": lambda entry: registration.register(entry, G1, "user_a", CertificateId.new(), NOON)[0].asset,
    "refuse": lambda entry: registration.refuse(entry, "incomplete", NOON).asset,
    "withdraw": lambda entry: asset_rules.withdraw(entry.asset),
}
BY_ITS_PROVIDER = """
                   describe      declare       renew         grade         submit             withdraw
draft              draft         draft         draft         draft         submitted          withdrawn
submitted          illegal_move  under_review  under_review  under_review  under_review       illegal_move
refused            draft         draft         draft         draft         illegal_move       withdrawn
registered         illegal_move  registered    registered    registered    nothing_to_review  withdrawn
renewed            illegal_move  registered    registered    registered    registered         withdrawn
renewal_submitted  illegal_move  under_review  under_review  under_review  under_review       withdrawn
withdrawn          illegal_move  illegal_move  illegal_move  illegal_move  illegal_move       illegal_move
"""
BY_AN_OPERATOR = """
                   register          refuse
draft              not_under_review  not_under_review
submitted          registered        refused
refused            not_under_review  not_under_review
registered         not_under_review  not_under_review
renewed            not_under_review  not_under_review
renewal_submitted  registered        registered
withdrawn          not_under_review  not_under_review
"""


def cells(table: str) -> dict[tuple[str, str], str]:
    acts, *rows = (line.split() for line in table.strip().splitlines())
    return {(name, act): word for name, *words in rows for act, word in zip(acts, words, strict=True)}


def outcome(entry: Entry, act: str) -> str:
    try:
        return ACTS[act](entry).state
    except Failure as failure:
        return failure.code()


def test_every_act_in_every_situation_ends_as_the_tables_say():
    happened = {(name, act): outcome(SITUATIONS[name], act) for name, act in product(SITUATIONS, ACTS)}
    assert happened == cells(BY_ITS_PROVIDER) | cells(BY_AN_OPERATOR)


@pytest.mark.parametrize("name, act", list(product(SITUATIONS, ACTS)))
def test_whatever_changes_raises_the_revision(name: str, act: str):
    before = SITUATIONS[name]
    try:
        after = ACTS[act](before)
    except Failure:
        return
    assert after.revision > before.asset.revision or after == before.asset


ASSET_MOVES = {
    "draft submitted", "draft withdrawn", "submitted registered", "submitted refused", "submitted draft",
    "submitted under_notice", "under_notice registered", "under_notice refused", "under_notice submitted",
    "registered withdrawn", "refused draft", "refused withdrawn",
}  # fmt: skip
VERSION_MOVES = {
    "awaiting_content inspected", "awaiting_content refused", "awaiting_content lapsed",
    "refused inspected", "refused refused", "refused lapsed",
    "inspected graded", "inspected lapsed", "graded graded", "graded lapsed",
}  # fmt: skip


@pytest.mark.parametrize("lifecycle, states, moves", [
    (ASSET, State, ASSET_MOVES), (VERSION, VersionState, VERSION_MOVES),
])  # fmt: skip
def test_nothing_moves_but_as_written_by_hand(lifecycle: Lifecycle[Any], states: type[StrEnum], moves: set[str]):
    for state, to in product(states, states):
        if f"{state} {to}" in moves:
            assert lifecycle.move(state, to) is to
        else:
            with pytest.raises(IllegalMove):
                lifecycle.move(state, to)
