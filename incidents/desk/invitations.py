"""The desk's own actions on invitations: an administrator invites, the person chooses a password.

The administrator knows the link, so may be the one who chooses the password: it counts as one that
the administrator has set. Each action is an `AccountAction`, so it can raise AccountSignInError.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from incidents.accounts import identity, secrets
from incidents.accounts.serve_key import UNSEALED, Seal, invitation_facts
from incidents.desk import accounts
from incidents.desk.own_stream import AccountAction, Actor, Clock
from incidents.desk.tokens import DisabledAccountError
from incidents.errors import RefusedError
from incidents.record import account_events
from incidents.store.accounts import accounts as stored_accounts
from incidents.store.accounts import invitations
from incidents.store.accounts.invitations import Invitation

VALID_FOR = timedelta(hours=72)


class UnknownInvitationError(RefusedError):
    """no invitation named {invitation!r}"""


class InvitationOverError(RefusedError):
    """this invitation no longer works: it was used or revoked, or it has expired. Ask an
    administrator for a new one"""


class RoleNeededError(RefusedError):
    """{handle} has no account yet: say which role it gets"""


class OtherRoleError(RefusedError):
    """{handle} has the role {role}: an invitation does not change it. Leave the role out, or change
    it first"""


def invite(
    connection: Connection, by: Actor, handle: str, role: str | None, clock: Clock, *,
    secret: str, seal: Seal = UNSEALED,
) -> Invitation:  # fmt: skip
    """Invite somebody to choose a password; make the account first if there is none.

    `secret`: that of the link, of which the digest is kept. The account's open invitations are
    revoked. Without the `seal` of this database, the invitation
    is invalid.

    Raises:
        RoleNeededError: if there is no account, and no role was given.
        OtherRoleError, DisabledAccountError: if the account has another role, or is disabled.
        NoGuardError: see `accounts.set_password`.
        BadHandleError, UnknownRoleError: see `accounts.make`.
    """
    accounts.check_handle(handle)
    found = stored_accounts.account(connection, handle)
    if found is None:
        if role is None:
            raise RoleNeededError(handle=handle)
        found = accounts.make(connection, by, handle, role, clock)
    elif role not in (None, found.role):
        raise OtherRoleError(handle=handle, role=found.role)
    if found.disabled_at is not None:
        raise DisabledAccountError(handle=handle)
    action = AccountAction(connection, by, clock)
    accounts.check_guard(connection, by, found)
    for each in invitations.of_account(connection, handle):
        if each.is_open(action.now):
            _revoke(connection, action, each)
    new = Invitation(
        secrets.random_id(), handle, secrets.digest(secret), action.now, by.person,
        action.now + VALID_FOR,
    )  # fmt: skip
    new = new._replace(seal=seal.on(invitation_facts(new)))
    invitations.add(connection, new)
    action.record(
        account_events.InvitationMade, invitation=new.id, handle=handle, digest=new.digest,
        expires=new.expires_at,
    )  # fmt: skip
    return new


def revoke(connection: Connection, by: Actor, id_: str, clock: Clock) -> bool:
    """Revoke an invitation; return whether that changed anything.

    Raises:
        UnknownInvitationError: if there is no such invitation.
    """
    action = AccountAction(connection, by, clock)
    found = invitations.of_id(connection, id_)
    if found is None:
        raise UnknownInvitationError(invitation=id_)
    if found.used_at is not None or found.revoked_at is not None:
        return False
    _revoke(connection, action, found)
    return True


def _revoke(connection: Connection, action: AccountAction, found: Invitation) -> None:
    invitations.revoke(connection, found.id, action.now)
    action.record(account_events.InvitationRevoked, invitation=found.id)


def opened(
    connection: Connection, secret: str, now: datetime, seal: Seal
) -> tuple[Invitation, stored_accounts.Account]:
    """Return the invitation with that secret, and the account of the person it invites.

    Raises:
        InvitationOverError: if it is unknown, used, revoked or expired, or the person who made it
            may no longer manage accounts.
    """
    found = invitations.of_digest(connection, secrets.digest(secret))
    if (
        found is None
        or not found.is_open(now)
        or not seal.holds(found.seal, invitation_facts(found))
    ):
        raise InvitationOverError
    account = stored_accounts.account(connection, found.handle)
    maker = stored_accounts.account(connection, found.by)
    # Before there were accounts, the command line made it under the name of a login.
    has_left = maker is not None and (
        maker.disabled_at is not None or not identity.may(maker.role, "keep_accounts")
    )
    if account is None or account.disabled_at is not None or has_left:
        raise InvitationOverError
    return found, account


def accept(
    connection: Connection, secret: str, hash_: str, clock: Clock, *, second_after: timedelta,
    seal: Seal = UNSEALED,
) -> str:  # fmt: skip
    """Set the password that the invited person chose, and return their handle.

    Raises:
        InvitationOverError: see `opened`.
    """
    invitation, account = opened(connection, secret, clock(), seal)
    by = Actor(person=account.handle, login=f"invitation {invitation.id}", signed_in=True)
    action = AccountAction(connection, by, clock)
    # Again, under the lock: of two who open the link at once, one is late.
    invitation, _ = opened(connection, secret, action.now, seal)
    invitations.use(connection, invitation.id, action.now)
    action.record(account_events.InvitationUsed, invitation=invitation.id)
    accounts.set_password(
        connection, by, account.handle, hash_, clock, second_after=second_after, seal=seal,
        known_to=invitation.by,
    )  # fmt: skip
    return account.handle
