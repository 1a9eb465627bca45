"""The desk's own actions on accounts: give access, and withdraw it.

Each action is an `AccountAction`, so it can raise AccountSignInError.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from incidents.accounts import identity
from incidents.accounts.identity import is_handle
from incidents.accounts.serve_key import UNSEALED, Seal, password_facts
from incidents.desk.own_stream import AccountAction, Actor, Clock
from incidents.errors import InputError, RefusedError, ReservedNameError
from incidents.record import account_events
from incidents.store.accounts import accounts, passwords, sign_ins
from incidents.store.accounts.accounts import Account
from incidents.store.accounts.sign_ins import OK, SignIn
from incidents.values.person_name import TellingNameError, check_person

AT_ONCE = timedelta(0)
"""A value of `second_after`: the person can act as a second person immediately.

It is for passwords about which there is no doubt.
"""


class BadHandleError(InputError):
    """{given!r} cannot be a handle: use at most 40 lowercase letters a to z and digits, with . _ -
    between, such as operator-1. It stays in the record for good, so use no address or number"""


class UnknownRoleError(InputError):
    """no role named {given!r}; choose one of {known}"""


class ReservedHandleError(ReservedNameError):
    """{given!r} is reserved for the program: choose another handle"""

    name = "reserved_name"


class TellingHandleError(TellingNameError):
    """{given!r} looks like somebody's number, and a handle stays on record for good: choose another
    one"""

    name = "telling_name"


class AccountExistsError(RefusedError):
    """the account {handle} already exists: change its role or its password, or enable it"""


class UnknownAccountError(RefusedError):
    """no account named {handle!r}"""


class LastAdministratorError(RefusedError):
    """{handle} is the last administrator who can sign in, or the last one with a password: first
    add another one and give it a password"""


class NoGuardError(RefusedError):
    """first set a password for an administrator: until then, anyone who can reach the database
    could set another one for {handle}, and act as two people"""


def make(connection: Connection, by: Actor, handle: str, role: str, clock: Clock) -> Account:
    """Make an account, which cannot sign in before it has a password or a token.

    Raises:
        BadHandleError, UnknownRoleError, AccountExistsError: if the handle or the role is not
            valid, or if the account exists.
    """
    check_handle(handle)
    _check_role(role)
    action = AccountAction(connection, by, clock)
    if accounts.account(connection, handle) is not None:
        raise AccountExistsError(handle=handle)
    new = Account(handle, role, action.now, None)
    accounts.add_account(connection, new)
    action.record(account_events.AccountMade, handle=handle, role=role)
    return new


def give_role(connection: Connection, by: Actor, handle: str, role: str, clock: Clock) -> bool:
    """Give the account another role, and return whether that changed anything.

    Raises:
        UnknownRoleError, UnknownAccountError: if there is no such role or account.
        LastAdministratorError: if no other administrator could sign in.
    """
    _check_role(role)
    action = AccountAction(connection, by, clock)
    account = known(connection, handle)
    if account.role == role:
        return False
    _check_not_last(connection, account)
    accounts.give_role(connection, handle, role)
    action.record(account_events.RoleGiven, handle=handle, role=role)
    return True


def disable(connection: Connection, by: Actor, handle: str, clock: Clock) -> bool:
    """Disable the account from now on, and return whether that changed anything.

    The account's sessions and tokens end permanently.

    Raises:
        UnknownAccountError: if there is no such account.
        LastAdministratorError: if no other administrator could sign in.
    """
    action = AccountAction(connection, by, clock)
    account = known(connection, handle)
    if account.disabled_at is not None:
        return False
    _check_not_last(connection, account)
    accounts.disable(connection, handle, action.now)
    action.record(account_events.AccountDisabled, handle=handle)
    _end_all(connection, action, by, handle, how="disabled")
    return True


def enable(connection: Connection, by: Actor, handle: str, clock: Clock) -> bool:
    """Enable the account again, and return whether that changed anything.

    Raises:
        UnknownAccountError: if there is no such account.
    """
    action = AccountAction(connection, by, clock)
    if known(connection, handle).disabled_at is None:
        return False
    accounts.enable(connection, handle)
    action.record(account_events.AccountEnabled, handle=handle)
    return True


def set_password(
    connection: Connection, by: Actor, handle: str, hash_: str, clock: Clock, *,
    second_after: timedelta, seal: Seal = UNSEALED, known_to: str | None = None,
) -> None:  # fmt: skip
    """Set a password, given as a hash from `secrets.hash_password`, and end all sessions.

    If the account had a password before, its tokens end too. Without the `seal` of this database,
    the password is invalid. If somebody else sets the password, the account's owner cannot act as a
    second person for `second_after`: anybody who knows the password could sign in as the owner, and
    set another password. `known_to`: somebody who may have set it under the owner's name.

    Raises:
        UnknownAccountError: if there is no such account.
        NoGuardError: if no administrator has a password yet.
    """
    action = AccountAction(connection, by, clock)
    check_guard(connection, by, known(connection, handle))
    before = passwords.of(connection, handle)
    given = None if before is None else before.given
    is_sealed = before is None or seal.holds(before.seal, password_facts(before))
    # If somebody may have written the row by hand, it is unknown who set the password.
    if known_to is not None or not (by.signed_in and by.person == handle and is_sealed):
        given = passwords.SetByOther(known_to or by.person, action.now + second_after)
    if given is not None and given.counts_from <= action.now:
        given = None
    new = passwords.Password(handle, hash_, given)
    passwords.put(connection, new._replace(seal=seal.on(password_facts(new))), action.now)
    counts_from = None if given is None else given.counts_from
    action.record(
        account_events.PasswordSet,
        handle=handle,
        counts_from=counts_from,
        kept=passwords.digest(hash_),
    )
    _end_all(connection, action, by, handle, how="new_password", with_tokens=before is not None)


def check_guard(connection: Connection, by: Actor, account: Account) -> None:
    """Check that an administrator has a password before anybody else gets one.

    Raises:
        NoGuardError: if no administrator has a password yet.
    """
    if account.role != "administrator" and not (
        by.signed_in or accounts.password_admins(connection)
    ):
        raise NoGuardError(handle=account.handle)


def _end_all(
    connection: Connection, action: AccountAction, by: Actor, handle: str, *, how: str,
    with_tokens: bool = True,
) -> None:  # fmt: skip
    """End the sessions of the account, and also its tokens if `with_tokens`."""
    ended = accounts.end_sessions(connection, handle)
    who = None if by.person == handle else by.person
    sign_ins.add(
        connection,
        *(SignIn(action.now, "sign_out", OK, how, handle, who, session=id_) for id_ in ended),
    )
    for id_ in accounts.unrevoked_tokens(connection, handle) if with_tokens else ():
        accounts.revoke_token(connection, id_, action.now)
        action.record(account_events.TokenRevoked, token=id_)


def refuse(
    connection: Connection,
    by: Actor,
    clock: Clock,
    *,
    action: str,
    why: str,
    about: str | None = None,
) -> None:
    """Count the refusal of a permission."""
    refused = sign_ins.Refusal(by.person, by.login or "", action, why, about)
    sign_ins.count(connection, [refused], clock())


def reveal(connection: Connection, by: Actor, clock: Clock, *, about: str) -> None:
    """Record that somebody is about to see phone numbers and addresses in full."""
    action = AccountAction(connection, by, clock, open_to_all=True)
    action.record(account_events.DetailsRevealed, about=about)


def open_sealed(
    connection: Connection, by: Actor, clock: Clock, *, about: str, digest: str, reason: str
) -> None:
    """Record that somebody is about to get the bytes of a sealed file, for that reason."""
    action = AccountAction(connection, by, clock, open_to_all=True)
    action.record(account_events.SealedOpened, reason=reason, about=about, digest=digest)


def known(connection: Connection, handle: str) -> Account:
    """The account with that handle; raises UnknownAccountError if there is none."""
    found = accounts.account(connection, handle) if is_handle(handle) else None
    if found is None:
        raise UnknownAccountError(handle=handle)
    return found


def check_handle(handle: str) -> str:
    """Return the handle if it is valid.

    Raises BadHandleError, ReservedHandleError or TellingHandleError if it is not.
    """
    if not is_handle(handle):
        raise BadHandleError(given=handle)
    try:
        return check_person(handle)
    except ReservedNameError as error:
        raise ReservedHandleError(given=handle) from error
    except TellingNameError as error:
        raise TellingHandleError(given=handle) from error


def _check_role(role: str) -> None:
    if role not in identity.ROLES:
        raise UnknownRoleError(given=role, known=", ".join(identity.ROLES))


def _check_not_last(connection: Connection, account: Account) -> None:
    if is_last_administrator(connection, account):
        raise LastAdministratorError(handle=account.handle)


def is_last_administrator(connection: Connection, account: Account) -> bool:
    """Whether nobody else could manage accounts, with a password, if this account could not."""
    able = account.role == "administrator" and account.disabled_at is None
    return able and (
        accounts.administrators(connection) == 1
        or accounts.password_admins(connection) == [account.handle]
    )
