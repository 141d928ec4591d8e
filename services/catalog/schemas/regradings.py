"""What crosses the wire about duties to grade a version again."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator
from pydantic import Field as Limits

from services.catalog.rules.asset import NextActor
from services.catalog.rules.regrading import State, Trigger
from services.catalog.rules.rule_tables import Degree, Object
from services.catalog.schemas.versions import Sentence
from shared.grades import Flag
from shared.ids import AssetId, ParticipantId, RegradingId, VersionId
from shared.web import Request, View


def _by_someone(trigger: Trigger) -> Trigger:
    if trigger is Trigger.TIME:
        raise ValueError("by time, a duty opens by itself")
    return trigger


class NewRegrading(Request):
    trigger: Annotated[Trigger, Limits(strict=False), AfterValidator(_by_someone)]
    note: Sentence


class RegradingConfirmation(Request):
    """Why the grade stands as it is."""

    reason: Sentence


class AssessedImpactView(View):
    object: Object
    degree: Degree
    rationale: str


class AssessedView(View):
    declared: list[AssessedImpactView]
    flags: Annotated[list[Flag], BeforeValidator(sorted)]


class RegradingView(View):
    """A late one is `overdue` until it is done, and its `deadline` is set anew. `said` is the provider's answer."""

    id: RegradingId
    asset_id: AssetId
    version_id: VersionId
    provider_id: ParticipantId
    trigger: Trigger
    note: str
    state: State
    next_actor: NextActor | None
    deadline: datetime | None
    said: AssessedView | None
    reason_code: str | None
    opened_at: datetime
