"""`rules.sight.Sight`, said to the database of a listing."""

from sqlalchemy import ColumnElement, and_, or_

from services.trading.rules.approval import IMPORTANT, Opened
from services.trading.rules.sight import Sight
from services.trading.tables.deals import listings
from shared.grades import Grade


def seen(sight: Sight) -> ColumnElement[bool]:
    """Whether a listing is one of those that `sight` shows."""
    ways: list[ColumnElement[bool]] = [listings.c.grade.in_(sorted(sight.grades))]
    if sight.own is not None:
        ways.append(listings.c.provider_id == sight.own)
    ways += [_opened(each) for each in sorted(sight.opened)]
    return or_(*ways, *(_by_name(sight, grade) for grade in Grade if sight.oversight.charges_with(grade)))


def _opened(opened: Opened) -> ColumnElement[bool]:
    version_id, mode = opened
    return and_(listings.c.grade == IMPORTANT, listings.c.version_id == version_id, listings.c.mode == mode)


def _by_name(sight: Sight, grade: Grade) -> ColumnElement[bool]:
    charges = sight.oversight.charges_with(grade)
    if any(charge.is_of_all for charge in charges):
        return listings.c.grade == grade
    assets = sorted({each for charge in charges for each in charge.assets})
    providers = sorted({each for charge in charges for each in charge.providers})
    return and_(listings.c.grade == grade, or_(listings.c.asset_id.in_(assets), listings.c.provider_id.in_(providers)))
