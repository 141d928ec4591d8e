"""What shows to whom, as conditions on rows: `rules.viewing`, said to the database."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, true

from services.catalog.rules.viewing import Viewer
from services.catalog.tables.entries import versions
from shared.grades import Grade
from shared.oversight import Oversight

Condition = ColumnElement[bool]


def readable(asset_id: ColumnElement[Any], provider_id: ColumnElement[Any], viewer: Viewer) -> Condition:
    """`viewer.reads_files_of`."""
    own = owned(provider_id, viewer)
    return or_(own, not_(has_unseen(asset_id, provider_id, viewer.oversight))) if viewer.is_staff else own


def owned(provider_id: ColumnElement[Any], viewer: Viewer) -> Condition:
    return false() if viewer.participant_id is None else provider_id == viewer.participant_id


def of_grades(
    grades: Iterable[Grade], column: ColumnElement[Any], asset_id: ColumnElement[Any],
    provider_id: ColumnElement[Any], oversight: Oversight,
) -> Condition:  # fmt: skip
    """Whether it is of one of these grades, or of another that somebody oversees by name."""
    grades = set(grades)
    by_name = [
        and_(column == grade, charged(grade, asset_id, provider_id, oversight))
        for grade in sorted(set(Grade) - grades)
        if oversight.charges_with(grade)
    ]
    return or_(column.in_(sorted(grades)), *by_name)


def has_unseen(asset_id: ColumnElement[Any], provider_id: ColumnElement[Any], oversight: Oversight) -> Condition:
    """Whether an asset has a version of a grade that somebody with this oversight does not see."""
    hidden = [
        and_(versions.c.grade == grade, not_(charged(grade, asset_id, provider_id, oversight)))
        for grade in sorted(set(Grade) - oversight.by_office)
        if not any(charge.is_of_all for charge in oversight.charges_with(grade))
    ]
    if not hidden:
        return false()
    return exists(versions.c.id).where(versions.c.asset_id == asset_id, or_(*hidden)).correlate_except(versions)


def charged(
    grade: Grade, asset_id: ColumnElement[Any], provider_id: ColumnElement[Any], oversight: Oversight
) -> Condition:  # fmt: skip
    """`oversight.reaches`, for a grade that shows by name alone."""
    charges = oversight.charges_with(grade)
    if any(charge.is_of_all for charge in charges):
        return true()
    assets = sorted({each for charge in charges for each in charge.assets})
    providers = sorted({each for charge in charges for each in charge.providers})
    return or_(asset_id.in_(assets), provider_id.in_(providers))
