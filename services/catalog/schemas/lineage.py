"""What crosses the wire about lineage: parents, licence terms, and the graph as far as it shows."""

from typing import Annotated, Self

from pydantic import Field as Limits

from services.catalog.rules.lineage import PARENTS_MAX, Edge, LicenceTerms, Processing
from shared.grades import Grade
from shared.ids import AssetId, ParticipantId, VersionId
from shared.web import Request, View

ChosenProcessing = Annotated[Processing, Limits(strict=False)]
Words = Annotated[list[Annotated[str, Limits(pattern=r"^[a-z][a-z0-9_]{0,39}$")]], Limits(min_length=1, max_length=20)]
Territory = Annotated[str, Limits(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")]  # ISO 3166
Territories = Annotated[list[Territory], Limits(min_length=1, max_length=50)]


class NewParent(Request):
    version_id: VersionId
    processing: ChosenProcessing


class NewLineage(Request):
    """All that the version is made from; an empty list says that it is made from nothing here."""

    parents: Annotated[list[NewParent], Limits(max_length=PARENTS_MAX)]


class NewLicenceTerms(Request):
    """What may be granted at most; what is left out sets no limit. `derivable`: others may make and sell more of it."""

    purposes: Words | None = None
    fields: Words | None = None
    territories: Territories | None = None
    period_days_max: Annotated[int, Limits(ge=1, le=3650)] | None = None
    redistributable: bool
    derivable: bool

    def terms(self) -> LicenceTerms:
        return LicenceTerms(
            _set(self.purposes), _set(self.fields), _set(self.territories), self.period_days_max, self.redistributable,
            self.derivable,
        )  # fmt: skip


class LicenceTermsView(View):
    """A null sets no limit."""

    purposes: list[str] | None
    fields: list[str] | None
    territories: list[str] | None
    period_days_max: int | None
    redistributable: bool
    derivable: bool

    @classmethod
    def of(cls, terms: LicenceTerms) -> Self:
        return cls(
            purposes=_sorted(terms.purposes), fields=_sorted(terms.fields), territories=_sorted(terms.territories),
            period_days_max=terms.period_days_max, redistributable=terms.redistributable, derivable=terms.derivable,
        )  # fmt: skip


class DeclaredLicenceView(View):
    """`in_force`: what the terms of the parents leave of what was declared."""

    version_id: VersionId
    declared: LicenceTermsView
    in_force: LicenceTermsView


class NodeView(View):
    """`grade` only where the entry shows in full."""

    version_id: VersionId
    asset_id: AssetId
    provider_id: ParticipantId
    title: str
    number: int
    grade: Grade | None


class EdgeView(View):
    """`version_id` was made from `parent_id`."""

    version_id: VersionId
    parent_id: VersionId
    processing: Processing

    @classmethod
    def of(cls, edge: Edge) -> Self:
        return cls.model_validate(edge)


class LineageView(View):
    """What shows to you of what the version is made from and of what is made from it. `is_cut`: there is more."""

    version_id: VersionId
    nodes: list[NodeView]
    edges: list[EdgeView]
    is_cut: bool


def _set(words: list[str] | None) -> frozenset[str] | None:
    return None if words is None else frozenset(words)


def _sorted(words: frozenset[str] | None) -> list[str] | None:
    return None if words is None else sorted(words)
