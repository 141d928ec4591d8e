"""Sponsorships (保荐): who may vouch for others, who vouches for whom, and how that began and ends."""

from typing import Annotated

from fastapi import Query, Response

from services.identity.actions import participant, sponsorship
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.sponsorships import (
    DeclinedSponsorship,
    EndedSponsorship,
    NewSponsorship,
    SignedSponsorship,
    SponsorshipView,
    SponsorView,
    State,
)
from shared import tenancy
from shared.idempotency import Keyed
from shared.ids import SponsorshipId
from shared.permission import Authenticated, Party
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.get("/sponsors")
async def sponsors(_: Authenticated, identity: IdentityService, page: PageQuery) -> Listing[SponsorView]:
    """Who may vouch for others at this moment. For whoever has applied, too."""
    tenancy.work_for_everyone()  # that they do is public
    found = await participant.sponsors(identity, page)
    return Listing[SponsorView].of([SponsorView.of(each) for each in found], page, lambda view: view.id)


@router.post("/sponsorships", status_code=201)
async def ask(
    new: NewSponsorship, caller: Authenticated, once: Keyed, identity: IdentityService, response: Response
) -> SponsorshipView:
    """Ask another organisation to vouch for yours. Requires your administrator; it must sign."""
    asked = await sponsorship.ask(identity, caller, new.sponsor_id, new.ends_at, once)
    created(response, f"{PREFIX}/sponsorships/{asked.id}")
    return SponsorshipView.of(asked)


@router.get("/sponsorships")
async def sponsorships(
    caller: Authenticated, identity: IdentityService, page: PageQuery, state: Annotated[State | None, Query()] = None
) -> Listing[SponsorshipView]:
    """Those that your organisation has a side in; everyone's, for the platform's staff."""
    found = await sponsorship.sponsorships(identity, caller, state, page)
    return Listing[SponsorshipView].of([SponsorshipView.of(each) for each in found], page, lambda view: view.id)


@router.get("/sponsorships/{sponsorship_id}")
async def one_sponsorship(
    sponsorship_id: SponsorshipId, caller: Authenticated, identity: IdentityService
) -> SponsorshipView:
    """One of those."""
    return SponsorshipView.of(await sponsorship.sponsorship(identity, caller, sponsorship_id))


@router.post("/sponsorships/{sponsorship_id}/signature")
async def sign(
    sponsorship_id: SponsorshipId, signed: SignedSponsorship, caller: Party, once: Keyed, identity: IdentityService
) -> SponsorshipView:
    """Vouch for whoever asked, with a key of your organisation. Requires your administrator."""
    given = await sponsorship.sign(
        identity, caller, sponsorship_id, signed.finding, signed.key_id, signed.signature, once
    )
    return SponsorshipView.of(given)


@router.post("/sponsorships/{sponsorship_id}/refusal")
async def decline(
    sponsorship_id: SponsorshipId, said: DeclinedSponsorship, caller: Authenticated, once: Keyed,
    identity: IdentityService,
) -> SponsorshipView:  # fmt: skip
    """Do not vouch for whoever asked. They see your reason's code."""
    return SponsorshipView.of(await sponsorship.decline(identity, caller, sponsorship_id, said.reason_code, once))


@router.post("/sponsorships/{sponsorship_id}/end")
async def end(
    sponsorship_id: SponsorshipId, said: EndedSponsorship, caller: Authenticated, once: Keyed,
    identity: IdentityService,
) -> SponsorshipView:  # fmt: skip
    """Vouch for an organisation no longer, or give up your sponsor. Whoever takes one has thirty days to find another
    and be verified anew."""
    ended = await sponsorship.end(identity, caller, sponsorship_id, said.reason_code, said.reason, once)
    return SponsorshipView.of(ended)
