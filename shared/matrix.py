"""The authorisation matrix: what each permission that a route can name lets whom ask for.

One row a permission, one column a kind of caller. A cell says of which things they may ask:

    any    all of them
    seen   those that the grade of the data shows to them (`shared.grades`)
    own    those of their own organisation, or of themselves
    party  those of deals that their organisation is a party to
    case   those of cases that are assigned to them
    duty   what this neighbouring service is there for, never more than the member that it acts for may
    -      none: refused whatever it is

`+S` takes a fresh proof by more than a password, `+2` the yes of another person than whoever proposed it.
Promises: who may ask at all is decided by these rows in `permission.py`, and nowhere else; a row that lets nobody in
cannot be read. Which things are whose is decided where they are kept: whoever may ask gets the same 404 for what is not
theirs and for what is not there. The grade has the last word after all of this, and only ever denies.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

ANONYMOUS = "anonymous"
OPERATED = {"business", "system", "security", "audit"}  # the operators, by what they operate


class Relation(StrEnum):
    ANY = "any"
    SEEN = "seen"
    OWN = "own"
    PARTY = "party"
    CASE = "case"
    DUTY = "duty"


@dataclass(frozen=True, slots=True)
class Cell:
    """Of which things one kind of caller may ask, and what it takes beside their role."""

    relation: Relation
    needs_step_up: bool = False
    needs_second: bool = False

    def __str__(self) -> str:
        return self.relation + "+S" * self.needs_step_up + "+2" * self.needs_second


Row = Mapping[str, Cell]  # by kind of caller; whoever is not in it is refused

TABLE = """
permission             anonymous  buyer    provider  business  system  security  audit  regulator  arbiter  service
public                 any        any      any       any       any     any       any    any        any      any
visitor                seen       seen     seen      any       any     any       any    any        seen     -
authenticated          -          any      any       any       any     any       any    any        any      -
oneself                -          own      own       own       own     own       own    own        own      -
directory_reader       -          own      own       any       any     any       any    any        own      -
reader                 -          seen     seen      any       any     any       any    any        -        -
provider               -          -        own       -         -       -         -      -          -        -
buyer                  -          own      -         -         -       -         -      -          -        -
party                  -          party    party     -         -       -         -      -          -        -
party_or_neighbour     -          party    party     -         -       -         -      -          -        duty
lister                 -          -        own+S     -         -       -         -      -          -        -
bidder                 -          own+S    -         -         -       -         -      -          -        -
signatory              -          party+S  party+S   -         -       -         -      -          -        -
payee                  -          own+S    own+S     -         -       -         -      -          -        -
second_payee           -          own+S+2  own+S+2   -         -       -         -      -          -        -
account_keeper         -          own+S    own+S     -         -       -         -      -          -        -
account_closer         -          own+S    own+S     -         -       any       -      -          -        -
account_reader         -          own      own       -         -       -         -      -          -        -
dormancy_reader        -          own      own       -         -       any       -      -          -        -
request_reader         -          party    party     any       -       -         -      any        -        -
file_reader            -          -        own       any       -       -         -      any        -        -
important_data_reader  -          -        -         any       -       any       -      any        -        -
reporter               -          -        own       any       -       -         -      any        -        -
book_reader            -          -        own       -         -       -         -      any        -        -
share_reader           -          party    party     -         -       -         -      any        -        -
deal_reader            -          party    party     -         -       -         any    any        -        -
inquiry_reader         -          party    party     -         -       -         -      any        -        -
negotiation_reader     -          party    party     any       -       -         any    any        -        -
dispute_reader         -          party    party     -         -       -         -      any        case     -
hearing_reader         -          party    party     -         -       -         -      -          case     -
freeze_reader          -          own      own       any       -       -         -      any        -        -
credit_reader          -          own      own       any       -       any       any    any        -        -
content_reader         -          party    own       any       any     any       any    any        -        -
export_reader          -          party    own       -         -       any       -      any        -        -
cube_reader            -          party    own       any       -       -         -      any        -        -
log_reader             -          own      own       -         -       -         any    any        -        -
ledger_reader          -          -        own       any       any     any       any    any        -        -
incident_reporter      -          own      own       -         -       any       -      -          -        -
incident_reader        -          own      own       -         -       any       -      any        -        -
operator_business      -          -        -         any       -       -         -      -          -        -
operator_system        -          -        -         -         any     -         -      -          -        -
operator_security      -          -        -         -         -       any       -      -          -        -
operator_audit         -          -        -         -         -       -         any    -          -        -
second_business        -          -        -         any+2     -       -         -      -          -        -
second_audit           -          -        -         -         -       -         any+2  -          -        -
any_operator           -          -        -         any       any     any       any    -          -        -
staff                  -          -        -         any       any     any       any    any        -        -
business_or_regulator  -          -        -         any       -       -         -      any        -        -
regulator              -          -        -         -         -       -         -      any        -        -
second_regulator       -          -        -         -         -       -         -      any+2      -        -
supervisor             -          -        -         -         -       -         any    any        -        -
arbiter                -          -        -         -         -       -         -      -          case     -
ruling_arbiter         -          -        -         -         -       -         -      -          case+S   -
service                -          -        -         -         -       -         -      -          -        duty
"""


def read(table: str) -> Mapping[str, Row]:
    """The rows of a table as above. Raises ValueError for a word that is not known, a row without a cell for each
    column, a second row of one name, and a row that lets nobody in."""
    (_, *columns), *rows = map(str.split, table.strip().splitlines())
    columns = [f"operator_{column}" if column in OPERATED else column for column in columns]
    found: dict[str, Row] = {}
    for name, *cells in rows:
        row = {column: _cell(told) for column, told in zip(columns, cells, strict=True) if told != "-"}
        if name in found or not row:
            raise ValueError(f"{name}: said twice, or for nobody")
        found[name] = row
    return found


def _cell(told: str) -> Cell:
    relation, *marks = told.split("+")
    if not set(marks) <= {"S", "2"}:
        raise ValueError(f"{told}: no such mark")
    return Cell(Relation(relation), "S" in marks, "2" in marks)


MATRIX = read(TABLE)
