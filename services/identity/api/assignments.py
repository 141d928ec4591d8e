"""Assignments (指派): who of the exchange answers by name for entries of G4 and above."""

from typing import Annotated

from fastapi import Query, Response

from services.identity.actions import assignment as actions
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.assignments import AssignmentView, NewAssignment, RevokedAssignment, State
from shared.idempotency import Keyed
from shared.ids import AssignmentId
from shared.permission import OperatorSecurity, Staff
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/assignments", status_code=201)
async def assign(
    new: NewAssignment, operator: OperatorSecurity, once: Keyed, identity: IdentityService, response: Response
) -> AssignmentView:
    """Let officers see an entry, or all of a provider's, up to G4 or G5, for at most ninety days. Never yourself. What
    waits for this: `GET /catalog/v1/unassigned`."""
    made = await actions.assign(identity, operator, new.matter(), new.reason, new.ends_at, once)
    created(response, f"{PREFIX}/assignments/{made.id}")
    return AssignmentView.of(made)


@router.get("/assignments")
async def assignments(
    caller: Staff, identity: IdentityService, page: PageQuery, state: Annotated[State | None, Query()] = None
) -> Listing[AssignmentView]:
    """Those that name you; everyone's, for operators for security and audit, and the regulator."""
    found = await actions.assignments(identity, caller, state, page)
    return Listing[AssignmentView].of([AssignmentView.of(each) for each in found], page, lambda view: view.id)


@router.get("/assignments/{assignment_id}")
async def assignment(assignment_id: AssignmentId, caller: Staff, identity: IdentityService) -> AssignmentView:
    """One of those."""
    return AssignmentView.of(await actions.assignment(identity, caller, assignment_id))


@router.post("/assignments/{assignment_id}/revoke")
async def revoke(
    assignment_id: AssignmentId, why: RevokedAssignment, operator: OperatorSecurity, once: Keyed,
    identity: IdentityService,
) -> AssignmentView:  # fmt: skip
    """Take it back: within a second it shows nothing any more."""
    return AssignmentView.of(await actions.revoke(identity, operator, assignment_id, why.reason_code, once))
