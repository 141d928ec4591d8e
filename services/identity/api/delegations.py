"""Delegations: who may act for whom, how far, and how that began and ends."""

from fastapi import Response

from services.identity.actions import delegation
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.delegations import DeclinedDelegation, DelegationView, NewDelegation
from shared.idempotency import Keyed
from shared.ids import DelegationId
from shared.permission import Authenticated, Party
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=f"{PREFIX}/delegations")


@router.post("", status_code=201)
async def propose(
    new: NewDelegation, caller: Party, once: Keyed, identity: IdentityService, response: Response
) -> DelegationView:
    """Ask another organisation to act for yours, within limits. Requires your administrator; it must accept."""
    proposed = await delegation.propose(identity, caller, new.agent_id, new.limits(), once)
    created(response, f"{PREFIX}/delegations/{proposed.id}")
    return DelegationView.of(proposed)


@router.get("")
async def delegations(caller: Authenticated, identity: IdentityService, page: PageQuery) -> Listing[DelegationView]:
    """Those that your organisation has a side in; everyone's, for the platform's staff."""
    found = await delegation.mandates(identity, caller, page)
    return Listing[DelegationView].of([DelegationView.of(each) for each in found], page, lambda view: view.id)


@router.get("/{delegation_id}")
async def one_delegation(
    delegation_id: DelegationId, caller: Authenticated, identity: IdentityService
) -> DelegationView:  # fmt: skip
    """One of those."""
    return DelegationView.of(await delegation.mandate(identity, caller, delegation_id))


@router.post("/{delegation_id}/acceptance")
async def accept(delegation_id: DelegationId, caller: Party, once: Keyed, identity: IdentityService) -> DelegationView:
    """Agree to act for another organisation. Name the delegation in `Under-Delegation` when you do."""
    return DelegationView.of(await delegation.accept(identity, caller, delegation_id, once))


@router.post("/{delegation_id}/refusal")
async def decline(
    delegation_id: DelegationId, said: DeclinedDelegation, caller: Authenticated, once: Keyed,
    identity: IdentityService,
) -> DelegationView:  # fmt: skip
    """Do not act for another organisation. It sees your reason's code."""
    return DelegationView.of(await delegation.decline(identity, caller, delegation_id, said.reason_code, once))


@router.post("/{delegation_id}/end")
async def end(
    delegation_id: DelegationId, caller: Authenticated, once: Keyed, identity: IdentityService
) -> DelegationView:  # fmt: skip
    """Revoke what you delegated, or give up what was delegated to you: known everywhere within a second."""
    return DelegationView.of(await delegation.end(identity, caller, delegation_id, once))
