"""What happens when an organisation's administrators let people in, make each other administrators, or unlock them.

Promises: an invitation's token is told once and kept as a digest; a stranger costs a hash only with a good token; how
many administrators are left is counted behind the organisation's lock.
"""

import secrets

from pydantic import SecretStr

from services.identity.actions.account import recall_for, require_administrator
from services.identity.actions.identity import Identity
from services.identity.events.accounts import (
    AdministratorChanged,
    InvitationEnded,
    PersonInvited,
    UserCreated,
    UserEnabled,
)
from services.identity.rules import administration as rules
from services.identity.rules import user as user_rules
from services.identity.rules.administration import ACCEPTED, REVOKED, Invitation
from services.identity.rules.dormancy import DORMANT
from services.identity.rules.participant import require_present
from services.identity.rules.role import Role
from services.identity.rules.token import digest_of
from services.identity.rules.user import NoSuchUser, User
from services.identity.store import account
from services.identity.store import invitation as store
from services.identity.store import participant as participant_store
from shared.access import Caller, Member
from shared.facts import Actor
from shared.idempotency import Once
from shared.ids import InvitationId, UserId
from shared.web import Page

TOKEN_BYTES = 32


async def invite(
    identity: Identity, caller: Member, roles: frozenset[Role], once: Once, *, is_administrator: bool
) -> tuple[Invitation, str | None]:
    """An invitation and its token. The token is not kept, so it is told once: None where the answer is repeated."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller.caller, once, Invitation):
            return earlier, None
        await require_administrator(tx, caller.caller)
        organisation = await participant_store.participant_for_update(tx, caller.participant_id)
        now = await identity.database.now(tx)
        invitation = rules.invite(
            InvitationId.new(), organisation.id, organisation.roles, roles, caller.subject,
            await store.open_count(tx, organisation.id), now, is_administrator=is_administrator,
        )  # fmt: skip
        token = secrets.token_urlsafe(TOKEN_BYTES)
        await store.add(tx, invitation, digest_of(token))
        await once.remember(tx, invitation)
        invited = PersonInvited(invitation.id, organisation.id, invitation.roles, is_administrator)
        await identity.outbox.record(tx, caller.actor, now, invited)
    return invitation, token


async def take_up(identity: Identity, token: SecretStr, login: str, password: SecretStr) -> User:
    """Whoever brings the token becomes a user. Once: whoever brings it again is told that it is not good."""
    digest = digest_of(token.get_secret_value())
    user_id = UserId.new()
    async with identity.database.read() as tx:
        rules.take_up(await store.of_token(tx, digest), user_id, await identity.database.now(tx))
    login = user_rules.new_login(login)
    password_hash = await identity.passwords.hash(user_rules.new_password(password.get_secret_value(), login))
    async with identity.database.transaction() as tx:
        invitation = await store.of_token(tx, digest, lock=True)
        organisation = await participant_store.participant(tx, invitation.participant_id)
        now = await identity.database.now(tx)
        taken_up = rules.take_up(invitation, user_id, now)
        require_present(organisation)
        user = user_rules.new_member(
            user_id, login, invitation.roles, organisation.id, organisation.roles,
            is_administrator=invitation.is_administrator,
        )  # fmt: skip
        await account.add_user(tx, user, password_hash, now)
        await store.save_end(tx, taken_up)
        # They act for themselves: nobody is logged in yet.
        actor = Actor("user", user.id, organisation.id)
        created = UserCreated(user.id, user.roles, user.is_administrator, organisation.id)
        ended = InvitationEnded(invitation.id, organisation.id, ACCEPTED, user.id)
        await identity.outbox.record(tx, actor, now, created, ended)
    return user


async def invitations(identity: Identity, caller: Caller, page: Page) -> list[Invitation]:
    async with identity.database.read() as tx:
        organisation = await require_administrator(tx, caller)
        return await store.invitations_of(tx, organisation, page.after_id(InvitationId), page.limit + 1)


async def revoke(identity: Identity, caller: Caller, invitation_id: InvitationId, once: Once) -> Invitation:
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, Invitation):
            return earlier
        organisation = await require_administrator(tx, caller)
        invitation = rules.revoke(await store.of_organisation(tx, invitation_id, organisation))
        now = await identity.database.now(tx)
        await store.save_end(tx, invitation)
        await once.remember(tx, invitation)
        await identity.outbox.record(tx, caller.actor, now, InvitationEnded(invitation.id, organisation, REVOKED))
    return invitation


async def change_administrator(
    identity: Identity, caller: Caller, user_id: UserId, once: Once, *, to: bool
) -> User:  # fmt: skip
    """Make someone of the organisation its administrator, or no longer; oneself too, if another is left."""
    async with identity.database.transaction() as tx:
        if earlier := await once.recall(tx, User):  # also for whoever has just put themselves out of the office
            return earlier
        user = await account.user_for_update(tx, user_id)
        if user.participant_id is None or user.participant_id != caller.participant_id:
            raise NoSuchUser()
        await participant_store.participant_for_update(tx, user.participant_id)
        await require_administrator(tx, caller)
        administrators = await account.administrators_of(tx, user.participant_id)
        user = rules.change_administrator(user, administrators, to=to)
        now = await identity.database.now(tx)
        await account.save_administrator(tx, user)
        await once.remember(tx, user)
        await identity.outbox.record(tx, caller.actor, now, AdministratorChanged(user.id, to))
    return user


async def enable(identity: Identity, caller: Caller, user_id: UserId, once: Once) -> User:
    """Let someone log in again: an administrator whom their own side locked out, an operator for security anyone."""
    async with identity.database.transaction() as tx:
        if earlier := await recall_for(tx, caller, once, User):
            return earlier
        user = await account.user_for_update(tx, user_id)
        by_exchange = Role.OPERATOR_SECURITY in caller.roles
        if not by_exchange:
            if user.participant_id is None or user.participant_id != caller.participant_id:
                raise NoSuchUser()
            await require_administrator(tx, caller)
        by = await account.user_of_subject(tx, user.disabled_by) if user.disabled_by else None
        own = by is not None and by.participant_id is not None and by.participant_id == user.participant_id
        own = own or user.disabled_by == DORMANT
        user = rules.enable(user, locked_out_by_own=own, by_exchange=by_exchange)
        now = await identity.database.now(tx)
        await account.save_disabled_user(tx, user, now)
        await once.remember(tx, user)
        await identity.outbox.record(tx, caller.actor, now, UserEnabled(user.id))
    return user


async def pass_deadlines(identity: Identity) -> None:
    """Close every way in that nobody took in time."""
    async with identity.database.transaction() as tx:
        now = await identity.database.now(tx)
        late = [rules.pass_deadline(each) for each in await store.invitations_due(tx, now)]
        for invitation in late:
            await store.save_end(tx, invitation)
        told = [InvitationEnded(each.id, each.participant_id, each.reason_code or "") for each in late]
        await identity.outbox.record(tx, identity.outbox.itself, now, *told)
