"""A person's own sign-in: second factor, password, sessions; and the reset of somebody else's factor."""

from fastapi import Response

from services.identity.actions import second_factor, session
from services.identity.api.service import PREFIX, IdentityService
from services.identity.schemas.accounts import (
    ConfirmationView,
    EnrolmentView,
    FactorView,
    FirstCode,
    NewPassword,
    Proof,
    SessionView,
    UserView,
)
from shared.idempotency import Keyed
from shared.ids import TokenFamilyId, UserId
from shared.network import Network
from shared.permission import AccountCloser, Myself
from shared.routing import Router
from shared.web import Listing, PageQuery, created

router = Router(prefix=PREFIX)


@router.get("/me/second-factor")
async def own_second_factor(caller: Myself, identity: IdentityService) -> FactorView:
    """Whether your log-in needs a code, and how many recovery codes are left."""
    return FactorView.model_validate(await second_factor.state(identity, caller))


@router.post("/me/second-factor", status_code=201)
async def enrol(
    new: Proof, caller: Myself, once: Keyed, identity: IdentityService, network: Network, response: Response
) -> EnrolmentView:
    """Get a secret for an authenticator app (TOTP, RFC 6238): by the password and, if one is in force, a code."""
    state, uri = await second_factor.enrol(identity, caller, new.password, new.code, network, once)
    created(response, f"{PREFIX}/me/second-factor")
    return EnrolmentView.model_validate(state).model_copy(update={"otpauth_uri": uri})


@router.post("/me/second-factor/confirm")
async def confirm(new: FirstCode, caller: Myself, once: Keyed, identity: IdentityService) -> ConfirmationView:
    """Put the new secret in force with its first code. It tells ten recovery codes; every other session ends."""
    state, codes = await second_factor.confirm(identity, caller, new.code, once)
    return ConfirmationView.model_validate(state).model_copy(update={"recovery_codes": codes})


@router.post("/users/{user_id}/second-factor/reset")
async def reset(user_id: UserId, caller: AccountCloser, once: Keyed, identity: IdentityService) -> UserView:
    """Take the lost second factor of someone of your organisation away; anyone's, for an operator for security."""
    return UserView.model_validate(await second_factor.reset(identity, caller, user_id, once))


@router.post("/me/password")
async def change_password(
    new: NewPassword, caller: Myself, once: Keyed, identity: IdentityService, network: Network
) -> UserView:
    """Change your password: by the old one and, where a second factor is enrolled, a code. Every other session ends."""
    changed = await second_factor.change_password(
        identity, caller, new.old_password, new.code, new.new_password, network, once
    )
    return UserView.model_validate(changed)


@router.get("/me/sessions")
async def sessions(caller: Myself, identity: IdentityService, page: PageQuery) -> Listing[SessionView]:
    """Where you are logged in."""
    views = [
        SessionView.model_validate(each).model_copy(update={"is_this": each.id == caller.session_id})
        for each in await session.sessions(identity, caller, page)
    ]
    return Listing[SessionView].of(views, page, lambda view: view.id)


@router.post("/me/sessions/{family_id}/end")
async def end_session(family_id: TokenFamilyId, caller: Myself, once: Keyed, identity: IdentityService) -> SessionView:
    """Log one of your sessions out."""
    ended = await session.end_session(identity, caller, family_id, once)
    return SessionView.model_validate(ended).model_copy(update={"is_this": ended.id == caller.session_id})
