"""The authorisation matrix: what can be read as a row, which kind of permission keeps to it, and nothing that adds."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.access import Caller, NotYourRole, Role
from shared.matrix import MATRIX, Cell, Relation, read
from shared.permission import (
    PERSONS,
    Internal,
    Membership,
    Open,
    PartyOrNeighbour,
    Permission,
    Visiting,
)

SMALL = """
permission  anonymous  buyer    business
looker      -          own+S    any+2
"""
OFF = cast(Any, SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(
    core=SimpleNamespace(settings=SimpleNamespace(requires_step_up=False))
))))  # fmt: skip
ROLES = st.frozensets(st.sampled_from(sorted(PERSONS)))
NAMES = st.sampled_from([name for name, row in MATRIX.items() if row.keys() <= PERSONS])


def test_a_row_says_of_which_things_and_what_it_takes():
    assert read(SMALL) == {
        "looker": {
            "buyer": Cell(Relation.OWN, needs_step_up=True),
            "operator_business": Cell(Relation.ANY, needs_second=True),
        }
    }
    assert [str(cell) for cell in read(SMALL)["looker"].values()] == ["own+S", "any+2"]


@pytest.mark.parametrize("row", [
    "looker   -    own  all",      # no such relation
    "looker   -    own  any+X",    # no such mark
    "looker   -    own",           # a cell is missing
    "looker   -    own  any  -",   # one too many
    "looker   -    -    -",        # for nobody: what is required of nobody is granted to nobody
])  # fmt: skip
def test_what_is_no_row_is_not_read(row: str):
    with pytest.raises(ValueError):
        read(f"permission  anonymous  buyer  business\n{row}")


def test_no_permission_is_said_twice():
    with pytest.raises(ValueError, match="looker"):
        read(SMALL + SMALL.splitlines()[-1])


@pytest.mark.parametrize("kind, name", [
    (Permission, "nobody"), (Permission, ""), (Permission, "public"), (Permission, "visitor"), (Permission, "service"),
    (Membership, "staff"), (Membership, "account_closer"), (Membership, "service"), (Open, "visitor"), (Open, "buyer"),
    (Visiting, "authenticated"), (Visiting, "public"), (Internal, "party_or_neighbour"), (Internal, "authenticated"),
    (PartyOrNeighbour, "party"), (PartyOrNeighbour, "public"),
])  # fmt: skip
def test_a_permission_that_could_not_keep_to_its_row_is_not_made(kind: type[Permission], name: str):
    with pytest.raises(ValueError, match="no row"):
        kind(name)


def lets_in(name: str, roles: frozenset[Role]) -> bool:
    try:
        Permission(name).require(OFF, Caller("user_1", "user", frozenset(roles)))
    except NotYourRole:
        return False
    return True


@given(name=NAMES, roles=ROLES, more=ROLES)
def test_taking_a_role_away_never_lets_in(name: str, roles: frozenset[Role], more: frozenset[Role]):
    assert lets_in(name, roles | more) or not lets_in(name, roles)


@given(name=NAMES, roles=ROLES)
def test_roles_let_in_one_by_one_or_not_at_all(name: str, roles: frozenset[Role]):
    assert lets_in(name, roles) == any(role in MATRIX[name] for role in roles)


@given(name=NAMES, strange=st.frozensets(st.text(max_size=20)))
def test_a_role_that_nobody_knows_opens_nothing(name: str, strange: frozenset[str]):
    caller = Caller("user_1", "user", strange - frozenset(Role))
    with pytest.raises(NotYourRole):
        Permission(name).require(OFF, caller)


def test_nobody_of_the_platform_may_trade():
    """No operator, no regulator and no arbiter has a cell where an organisation acts for itself."""
    ACTS = {"provider", "buyer", "party", "lister", "bidder", "signatory", "payee", "account_keeper"}
    for name in ACTS:
        assert MATRIX[name].keys() <= {Role.BUYER, Role.PROVIDER}
