"""The accounts for display, with their tokens and sign-ins.

The sign-ins are the open sessions, the log of sign-ins, and the permissions refused to people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection

from incidents.accounts import identity
from incidents.accounts.open_sessions import IDLE_FOR, SESSION_FOR
from incidents.clock import rfc3339
from incidents.store.accounts import accounts as stored_accounts
from incidents.store.accounts import factors, passwords
from incidents.store.accounts import invitations as stored_invitations
from incidents.store.accounts import sign_ins as stored_sign_ins
from incidents.store.accounts.accounts import Account, Session, Token
from incidents.store.accounts.invitations import Invitation
from incidents.store.accounts.passwords import SetByOther

if TYPE_CHECKING:
    from incidents.contract.documents.accounts import Account as AccountDocument
    from incidents.contract.documents.accounts import Invitation as InvitationDocument
    from incidents.contract.documents.accounts import NewInvitation, OpenSession, Refused, SignIns
    from incidents.contract.documents.accounts import Token as TokenDocument


def accounts(connection: Connection) -> list[AccountDocument]:
    """All accounts, by handle, each as `account` returns it."""
    found = stored_accounts.every(connection)
    if not passwords.may_be_read(connection):
        return [_document(each) for each in found]
    when_set, used = passwords.when_set(connection), stored_sign_ins.last_used(connection)
    kinds = factors.kinds_by_account(connection)
    return [
        {
            **_with_password(each, when_set.get(each.handle)),
            **_use(used.get(each.handle), kinds.get(each.handle, {})),
        }
        for each in found
    ]


def who_may(connection: Connection, action: str) -> list[str]:
    """The handles of the enabled accounts whose role allows the action."""
    return [
        each.handle
        for each in stored_accounts.every(connection)
        if each.disabled_at is None and identity.may(each.role, action)
    ]


def tokens(connection: Connection, handles: Iterable[str] | None = None) -> list[TokenDocument]:
    """The tokens of those accounts, or of all if None, newest first."""
    return [token_document(each) for each in stored_accounts.tokens_of(connection, handles)]


def account(connection: Connection, account: Account) -> AccountDocument:
    """One account, with the time when its password was set (null: it has no password).

    If another person set the password: who did, and from when its owner counts as a second person.
    The facts about the password are left out if the database role may not read them.
    """
    if not passwords.may_be_read(connection):
        return _document(account)
    when_set = passwords.when_set(connection, account.handle)
    used = stored_sign_ins.last_used(connection, account.handle)
    kinds = factors.kinds_by_account(connection)
    return {
        **_with_password(account, when_set.get(account.handle)),
        **_use(used.get(account.handle), kinds.get(account.handle, {})),
    }


def _with_password(
    account: Account, found: tuple[datetime, SetByOther | None] | None
) -> AccountDocument:
    set_at, given = found or (None, None)
    return {
        **_document(account),
        "password_set_at": None if set_at is None else rfc3339(set_at),
        "password_given_by": None if given is None else given.by,
        "password_counts_from": None if given is None else rfc3339(given.counts_from),
    }


def _use(used: datetime | None, kinds: Mapping[str, int]) -> AccountDocument:
    asked_for = [kind for kind in factors.ASKED_FOR if kind in kinds]
    at = None if used is None else rfc3339(used)
    return cast("AccountDocument", {"last_seen_at": at, "second_factors": asked_for})


def _document(account: Account) -> AccountDocument:
    disabled = account.disabled_at
    return {
        "handle": account.handle,
        "role": account.role,
        "made_at": rfc3339(account.made_at),
        "disabled_at": None if disabled is None else rfc3339(disabled),
    }


def token_document(token: Token) -> TokenDocument:
    """One token, without the digest of its secret; `acts` is null if it allows all of its role."""
    revoked = token.revoked_at
    return {
        "id": token.id,
        "handle": token.handle,
        "acts": token.acts,
        "made_at": rfc3339(token.made_at),
        "expires_at": rfc3339(token.expires_at),
        "revoked_at": None if revoked is None else rfc3339(revoked),
    }


def invitations(
    connection: Connection, now: datetime, handle: str | None = None
) -> list[InvitationDocument]:
    """The invitations of one account, or of all if None, newest first, as they are at `now`."""
    roles = {each.handle: each.role for each in stored_accounts.every(connection)}
    return [
        invitation_document(each, roles[each.handle], now)
        for each in stored_invitations.of_account(connection, handle)
    ]


def invitation_document(of: Invitation, role: str, now: datetime) -> InvitationDocument:
    """One invitation, without the digest of its secret."""
    used, revoked = of.used_at, of.revoked_at
    state = "used" if used else "revoked" if revoked else "open" if of.is_open(now) else "expired"
    return {
        "id": of.id,
        "handle": of.handle,
        "role": role,
        "by": of.by,
        "made_at": rfc3339(of.made_at),
        "expires_at": rfc3339(of.expires_at),
        "used_at": None if used is None else rfc3339(used),
        "revoked_at": None if revoked is None else rfc3339(revoked),
        "state": state,
    }


INVITATION_PATH = "/join/"
"""The path of the console at which an invited person chooses a password, before the secret."""


def new_invitation(made: Invitation, role: str, secret: str, now: datetime) -> NewInvitation:
    """A new invitation, with its path."""
    return {**invitation_document(made, role, now), "path": f"{INVITATION_PATH}{secret}"}


def session_document(session: Session, own: str | None = None) -> OpenSession:
    """One session; `current`: whether its id is `own`, the session of the caller."""
    ends = min(session.made_at + SESSION_FOR, session.seen_at + IDLE_FOR)
    return {
        "id": session.id,
        "handle": session.account.handle,
        "how": session.how,
        "place": session.place,
        "made_at": rfc3339(session.made_at),
        "seen_at": rfc3339(session.seen_at),
        "ends_at": rfc3339(ends),
        "current": session.id == own,
    }


def sign_ins(
    connection: Connection,
    *,
    limit: int,
    cursor: str | None = None,
    handle: str | None = None,
    failed: bool = False,
    since: datetime | None = None,
) -> SignIns:
    """A page of the log of sign-ins, newest first; raises BadCursorError."""
    whose = stored_sign_ins.printable(handle)
    page = stored_sign_ins.page(
        connection, limit=limit, cursor=cursor, handle=whose, failed=failed, since=since
    )
    items: list[Any] = [{**row, "at": rfc3339(row["at"])} for row in page.rows]
    for each in items:
        del each["id"]
    return {"items": items, "next": page.next}


def sign_in_refusals(
    connection: Connection, *, limit: int, handle: str | None = None, since: datetime | None = None
) -> list[Refused]:
    """The refused permissions, counted by person, action and day (UTC), newest first."""
    found = stored_sign_ins.counted(
        connection, limit=limit, handle=stored_sign_ins.printable(handle), since=since
    )
    moments = ("first_at", "last_at")
    rows = [row | {name: rfc3339(row[name]) for name in moments} for row in found]
    return cast("list[Refused]", rows)
