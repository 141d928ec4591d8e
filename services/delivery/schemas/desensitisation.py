"""What crosses the wire about desensitisation: the provider's plan, what is done to each field, the effect report."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field

from services.delivery.rules.desensitisation import Plan, Treatment, Wishes
from services.delivery.rules.effect import EffectReport
from services.delivery.rules.masking import MASK_POLICY, Mask
from shared import web
from shared.grades import Grade
from shared.ids import VersionId

FIELDS_MAX = 1_000  # as many columns as an inspected content may have
FieldName = Annotated[str, Field(min_length=1, max_length=100)]
FieldNames = Annotated[list[FieldName], Field(max_length=FIELDS_MAX)]
ChosenMask = Annotated[Mask, Field(strict=False)]  # a body arrives as text


class FieldMask(web.Request):
    field: FieldName
    mask: ChosenMask


class NewPlan(web.Request):
    """Masks for some fields, each as strict as the platform's own or stricter; the others keep the platform's.

    `quasi_identifiers` are further fields that identify a person together; `sensitive_fields` those whose diversity is
    measured within groups that look alike.
    """

    masks: Annotated[list[FieldMask], Field(max_length=FIELDS_MAX)]
    quasi_identifiers: FieldNames = []
    sensitive_fields: FieldNames = []

    def wishes(self) -> Wishes:
        masks = tuple((one.field, one.mask) for one in self.masks)
        return Wishes(masks, tuple(self.quasi_identifiers), tuple(self.sensitive_fields))


class FieldTreatment(web.View):
    """`minimum` is the least that the platform does to the field at this grade; `mask` is what is done."""

    field: str
    mask: Mask
    minimum: Mask
    quasi_identifier: bool
    sensitive: bool


class PlanView(web.View):
    """Revision 0 is the platform's own: nothing was declared."""

    version_id: VersionId
    revision: int
    grade: Grade
    mask_policy: str
    smallest_group: int
    fields: list[FieldTreatment]
    declared_at: datetime | None

    @classmethod
    def of(cls, version_id: VersionId, plan: Plan | None, applied: Treatment) -> Self:
        quasi, sensitive = set(applied.quasi_identifiers), set(applied.sensitive_fields)
        fields = [
            FieldTreatment(
                field=field, mask=applied.masks.get(field, Mask.KEEP), minimum=applied.minimum.get(field, Mask.KEEP),
                quasi_identifier=field in quasi, sensitive=field in sensitive,
            )
            for field in applied.fields
        ]  # fmt: skip
        return cls(
            version_id=version_id, revision=applied.plan_revision, grade=applied.grade, mask_policy=MASK_POLICY,
            smallest_group=applied.smallest_group, fields=fields, declared_at=plan.declared_at if plan else None,
        )  # fmt: skip


class EffectReportView(web.View):
    """`digest` is the SHA-256 of the canonical JSON of `report` (RFC 8785), and stands in the log's rendition_made."""

    digest: str
    passes: bool
    report: EffectReport

    @classmethod
    def of(cls, found: EffectReport) -> Self:
        return cls(digest=found.digest, passes=found.passes, report=found)
