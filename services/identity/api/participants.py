"""Participants: who applied, who is admitted and trusted with what, who is whose affiliate."""

from typing import Annotated, Literal

from fastapi import Query, Response

from services.identity.actions import participant
from services.identity.api.documents import filed_of
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.participants import (
    Admission,
    AffiliationView,
    Decision,
    DirectoryView,
    MerchantClass,
    NewAffiliation,
    NewApplication,
    ParticipantView,
    Status,
)
from services.identity.schemas.words import roles_of
from shared import tenancy
from shared.idempotency import Keyed
from shared.ids import ParticipantId
from shared.network import Network
from shared.permission import DirectoryReader, OperatorSecurity, Party, Public, Staff
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/applications", status_code=201)
async def apply(
    new: NewApplication, _: Public, identity: IdentityService, network: Network, response: Response
) -> ParticipantView:
    """Apply for admission. The administrator can log in at once, and see how the application stands."""
    applied = await participant.apply(
        identity,
        new.name,
        new.uscc,
        roles_of(new.roles),
        new.contact,
        frozenset(new.classes),
        [filed_of(each) for each in new.documents],
        new.administrator.login,
        new.administrator.password,
        network,
    )
    created(response, f"{PREFIX}/participants/{applied.id}")
    return ParticipantView.of(applied)


@router.get("/participants")
async def participants(
    _: Staff, identity: IdentityService, page: PageQuery, status: Annotated[Status | None, Query()] = None
) -> Listing[ParticipantView]:
    """All participants, by age."""
    found = await participant.participants(identity, status, page)
    return Listing[ParticipantView].of([ParticipantView.of(each) for each in found], page, lambda view: view.id)


@router.get("/directory")
async def directory(
    _: Party, identity: IdentityService, page: PageQuery,
    merchant_class: Annotated[MerchantClass | None, Query()] = None,
) -> Listing[DirectoryView]:  # fmt: skip
    """Who takes part in the market, as what, and whether they may trade at this moment. For its members."""
    tenancy.work_for_everyone()  # what it tells of others is public among members
    found = await participant.directory(identity, merchant_class, page)
    views = [DirectoryView.of(*each) for each in found]
    return Listing[DirectoryView].of(views, page, lambda view: view.id)


@router.get("/participants/{participant_id}")
async def one_participant(
    participant_id: ParticipantId, caller: DirectoryReader, identity: IdentityService
) -> ParticipantView:
    """Your own organisation; any, for the platform's staff and the regulator."""
    return ParticipantView.of(await participant.participant(identity, caller, participant_id))


@router.post("/participants/{participant_id}/admit")
async def admit(
    participant_id: ParticipantId, new: Admission, caller: OperatorSecurity, once: Keyed, identity: IdentityService
) -> ParticipantView:
    """Admit an applicant who has proven everything. For C4 and C5 this proposes, and a second operator decides."""
    admitted = await participant.admit(identity, caller, participant_id, new.clearance, new.reason, once)
    return ParticipantView.of(admitted)


@router.post("/participants/{participant_id}/clearance")
async def change_clearance(
    participant_id: ParticipantId, new: Admission, caller: OperatorSecurity, once: Keyed, identity: IdentityService
) -> ParticipantView:
    """Change what a participant is trusted with, or confirm it for another half year. Up to C4 or C5 two must agree."""
    changed = await participant.change_clearance(identity, caller, participant_id, new.clearance, new.reason, once)
    return ParticipantView.of(changed)


@router.post("/participants/{participant_id}/reinstate")
async def reinstate(
    participant_id: ParticipantId, new: Decision, caller: OperatorSecurity, once: Keyed, identity: IdentityService
) -> ParticipantView:
    """Let a suspended participant act again, once everything is proven that its clearance takes."""
    back = await participant.reinstate(identity, caller, participant_id, new.reason_code, new.reason, once)
    return ParticipantView.of(back)


@router.post("/participants/{participant_id}/affiliations", status_code=201)
async def affiliate(
    participant_id: ParticipantId, new: NewAffiliation, caller: OperatorSecurity, once: Keyed,
    identity: IdentityService, response: Response,
) -> AffiliationView:  # fmt: skip
    """Put two participants on record as affiliates: neither may then buy of the other."""
    await participant.affiliate(identity, caller, participant_id, new.affiliate_id, once)
    created(response, f"{PREFIX}/participants/{participant_id}/affiliations")
    return AffiliationView(participant_id=participant_id, affiliate_id=new.affiliate_id)


@router.get("/participants/{participant_id}/affiliations")
async def affiliations(
    participant_id: ParticipantId, caller: DirectoryReader, identity: IdentityService
) -> list[AffiliationView]:
    """Whose affiliate a participant is."""
    found = await participant.affiliates(identity, caller, participant_id)
    return [AffiliationView(participant_id=participant_id, affiliate_id=each) for each in found]


@router.post("/participants/{participant_id}/{decision}")
async def decide(
    participant_id: ParticipantId, decision: Literal["refuse", "suspend", "exit"], new: Decision,
    caller: OperatorSecurity, once: Keyed, identity: IdentityService,
) -> ParticipantView:  # fmt: skip
    """Refuse an applicant; suspend or let go a participant. Both sides see the reason's code."""
    decided = await participant.decide(identity, caller, participant_id, decision, new.reason_code, new.reason, once)
    return ParticipantView.of(decided)
