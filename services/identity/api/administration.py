"""Who administers an organisation, whom it invites, and who is let in again."""

from fastapi import Response

from services.identity.actions import administration
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.accounts import UserView
from services.identity.schemas.administration import (
    ChangedAdministrator,
    InvitationView,
    NewInvitation,
    NewInvitationView,
    TakenUp,
)
from services.identity.schemas.words import roles_of
from shared.idempotency import Keyed
from shared.ids import InvitationId, UserId
from shared.permission import AccountCloser, AccountKeeper, AccountReader, Public
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.post("/invitations", status_code=201)
async def invite(
    new: NewInvitation, caller: AccountKeeper, once: Keyed, identity: IdentityService, response: Response
) -> NewInvitationView:
    """Open a way in for one person, for a week. Requires an administrator. The token is shown in this answer only."""
    roles = roles_of(new.roles)
    made, token = await administration.invite(identity, caller, roles, once, is_administrator=new.is_administrator)
    created(response, f"{PREFIX}/invitations")
    return NewInvitationView.model_validate(made).model_copy(update={"token": token})


@router.get("/invitations")
async def invitations(caller: AccountReader, identity: IdentityService, page: PageQuery) -> Listing[InvitationView]:
    """The invitations of your organisation, and what came of them. Requires an administrator."""
    found = await administration.invitations(identity, caller, page)
    return Listing[InvitationView].of([InvitationView.of(each) for each in found], page, lambda view: view.id)


@router.post("/invitations/acceptance", status_code=201)
async def take_up(new: TakenUp, _: Public, identity: IdentityService, response: Response) -> UserView:
    """Take up an invitation: choose a log-in. A token is good once."""
    user = await administration.take_up(identity, new.token, new.login, new.password)
    created(response, f"{PREFIX}/me")
    return UserView.model_validate(user)


@router.post("/invitations/{invitation_id}/revoke")
async def revoke(
    invitation_id: InvitationId, caller: AccountCloser, once: Keyed, identity: IdentityService
) -> InvitationView:
    """Close the way in that nobody has taken yet. Requires an administrator."""
    return InvitationView.of(await administration.revoke(identity, caller, invitation_id, once))


@router.post("/users/{user_id}/administrator")
async def change_administrator(
    user_id: UserId, new: ChangedAdministrator, caller: AccountCloser, once: Keyed, identity: IdentityService
) -> UserView:
    """Make someone of your organisation its administrator, or no longer; yourself too, if another is left."""
    changed = await administration.change_administrator(identity, caller, user_id, once, to=new.is_administrator)
    return UserView.model_validate(changed)


@router.post("/users/{user_id}/enable")
async def enable(user_id: UserId, caller: AccountCloser, once: Keyed, identity: IdentityService) -> UserView:
    """Let someone of your organisation in again, whom it locked out itself; anyone, for an operator for security."""
    return UserView.model_validate(await administration.enable(identity, caller, user_id, once))
