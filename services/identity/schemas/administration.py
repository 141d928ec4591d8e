"""What crosses the wire about invitations and administrators. A token is shown once, and never kept."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, SecretStr

from services.identity.rules.administration import Invitation, State
from services.identity.rules.role import Role
from services.identity.schemas.words import Login, Password, TradingRoles
from shared.ids import InvitationId, ParticipantId, UserId
from shared.web import Request, View

TOKEN_LENGTH_MAX = 200


class NewInvitation(Request):
    roles: TradingRoles
    is_administrator: bool


class TakenUp(Request):
    """The token that an administrator passed on, and what one wants to log in with."""

    token: Annotated[SecretStr, Field(min_length=1, max_length=TOKEN_LENGTH_MAX)]
    login: Login
    password: Password


class ChangedAdministrator(Request):
    is_administrator: bool


class InvitationView(View):
    id: InvitationId
    participant_id: ParticipantId
    roles: list[Role]
    is_administrator: bool
    invited_at: datetime
    state: State
    deadline: datetime | None
    next_actor: str | None
    reason_code: str | None
    user_id: UserId | None

    @classmethod
    def of(cls, invitation: Invitation) -> Self:
        return cls.model_validate(invitation, from_attributes=True)


class NewInvitationView(InvitationView):
    """The token is in the first answer only. If that was lost, revoke the invitation and make another."""

    token: str | None = None
