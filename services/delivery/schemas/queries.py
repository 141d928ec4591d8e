"""What crosses the wire about rows by API and computations with SQL. Values that a filter compares are text."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol, Self

from pydantic import Field

from services.delivery.rules.answer import Answered, Kind
from services.delivery.rules.query import STATEMENT_BYTES_MAX
from services.delivery.rules.rows import ROWS_MAX, Filter, Op
from shared import web
from shared.grades import Grade, Mode
from shared.ids import ContractId, EntitlementId, ParticipantId, QueryId, UseId, VersionId

FieldName = Annotated[str, Field(min_length=1, max_length=100)]
Cell = bool | int | str | None


class NewFilter(web.Request):
    """A condition on a field. `values`: one, several for `in`, none for `is_null` and `not_null`; each as text, as the
    field writes it: `12`, `12.5`, `true`, `2026-01-31`, `2026-01-31T12:00:00Z`."""

    field: FieldName
    op: Annotated[Op, Field(strict=False)]
    values: Annotated[list[Annotated[str, Field(max_length=1_000)]], Field(max_length=100)]


class NewRows(web.Request):
    """A page of rows. All filters hold together; without `fields`, all fields are given. A `cursor` goes on where the
    last page of the same fields and filters ended. `purpose` is one of the contract's, and needed from G4 on."""

    fields: Annotated[list[FieldName], Field(min_length=1, max_length=1_000)] | None = None
    where: Annotated[list[NewFilter], Field(max_length=20)] = []
    limit: Annotated[int, Field(ge=1, le=ROWS_MAX)] = 100
    cursor: Annotated[str, Field(pattern=r"^[0-9]{1,15}\.[0-9a-f]{16}$")] | None = None
    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] | None = None

    def filters(self) -> tuple[Filter, ...]:
        return tuple(Filter(one.field, one.op, tuple(one.values)) for one in self.where)


class NewStatement(web.Request):
    """One SELECT over the table `data`, whose columns are the version's fields."""

    sql: Annotated[str, Field(min_length=1, max_length=STATEMENT_BYTES_MAX)]


class CertificateView(web.View):
    """What the log says of an answer: what was asked, of which content, with which result, by which policy and engine.

    `query_digest`: SHA-256 of the canonical statement, or of the canonical JSON of entitlement, fields and filters.
    `result_digest`: SHA-256 of `{"fields": …, "rows": …, "types": …}` as in the answer, in UTF-8 and without spaces.
    """

    id: QueryId
    kind: Kind
    entitlement_id: EntitlementId
    contract_id: ContractId
    use_id: UseId
    version_id: VersionId
    buyer_id: ParticipantId
    mode: Mode
    grade: Grade
    grade_revision: int
    query_digest: str
    content_hash: str
    result_digest: str
    row_count: int
    truncated: bool
    policy_version: str
    engine_version: str
    answered_at: datetime

    @classmethod
    def of(cls, answered: Answered) -> Self:
        return cls.model_validate(answered)


class Found(Protocol):
    """What the engine found."""

    @property
    def fields(self) -> Sequence[str]: ...
    @property
    def types(self) -> Sequence[str]: ...
    @property
    def rows(self) -> Sequence[Sequence[bool | int | float | str | None]]: ...
    @property
    def truncated(self) -> bool: ...


class RowsView(web.View):
    """Rows in the order of the file. Whole numbers beyond 2^53 - 1, decimals and moments (in UTC) are text."""

    fields: list[str]
    types: list[str]
    rows: list[list[Cell]]
    next_cursor: str | None
    certificate: CertificateView

    @classmethod
    def of(cls, found: Found, next_cursor: str | None, answered: Answered) -> Self:
        certificate = CertificateView.of(answered)
        return cls.model_validate({
            "fields": found.fields, "types": found.types, "rows": found.rows, "next_cursor": next_cursor,
            "certificate": certificate,
        })  # fmt: skip


class AnswerView(web.View):
    """The result of a statement, `truncated` if there is more than is given out. `sql` is what ran: your statement in
    canonical form. Whole numbers beyond 2^53 - 1, decimals, doubles and moments (in UTC) are text."""

    sql: str
    fields: list[str]
    types: list[str]
    rows: list[list[Cell]]
    truncated: bool
    certificate: CertificateView

    @classmethod
    def of(cls, sql: str, found: Found, answered: Answered) -> Self:
        certificate = CertificateView.of(answered)
        return cls.model_validate({
            "sql": sql, "fields": found.fields, "types": found.types, "rows": found.rows, "truncated": found.truncated,
            "certificate": certificate,
        })  # fmt: skip
