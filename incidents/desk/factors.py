"""The desk's own actions on second factors: add and remove one's own, and reset somebody's.

Each action is an `AccountAction`, so it can raise AccountSignInError.
"""

from __future__ import annotations

from sqlalchemy import Connection

from incidents.accounts import second_factor, secrets
from incidents.accounts.second_factor import MOST, TooManyFactorsError, UnknownFactorError
from incidents.accounts.serve_key import UNSEALED, Seal, factor_facts
from incidents.desk.accounts import known
from incidents.desk.own_stream import AccountAction, Actor, Clock
from incidents.record import account_events
from incidents.store.accounts import factors
from incidents.store.accounts.factors import ASKED_FOR, RECOVERY, Factor


def blank(handle: str, kind: str, name: str, clock: Clock) -> Factor:
    """A factor that is still to be added; `kind`: totp or webauthn."""
    return Factor(secrets.random_id(), handle, kind, name, "", None, 0, clock())


def add(
    connection: Connection, by: Actor, new: Factor, clock: Clock, *, seal: Seal = UNSEALED
) -> list[str]:
    """Add a factor to the account of its handle; return recovery codes if it is the first.

    Without the `seal` of this database, the factor is invalid.

    Raises:
        TooManyFactorsError: if the account has as many as it can have.
    """
    action = AccountAction(connection, by, clock)
    known(connection, new.handle)
    own = [each for each in factors.of(connection, new.handle) if each.kind in ASKED_FOR]
    if len(own) >= MOST:
        raise TooManyFactorsError(most=MOST)
    new = new._replace(made_at=action.now)
    factors.add(connection, [new._replace(seal=seal.on(factor_facts(new)))])
    action.record(account_events.FactorAdded, factor=new.id, handle=new.handle, method=new.kind)
    return [] if own else _new_codes(connection, action, new.handle, seal)


def new_recovery_codes(
    connection: Connection, by: Actor, handle: str, clock: Clock, *, seal: Seal = UNSEALED
) -> list[str]:
    """Replace the recovery codes of an account, and return the new ones, which are not stored."""
    action = AccountAction(connection, by, clock)
    known(connection, handle)
    return _new_codes(connection, action, handle, seal)


def remove(connection: Connection, by: Actor, handle: str, id_: str, clock: Clock) -> bool:
    """Remove a factor of the account; return whether that changed anything.

    With the last one, the recovery codes go too.

    Raises:
        UnknownFactorError: if the account has no such factor.
    """
    action = AccountAction(connection, by, clock)
    own = {each.id: each for each in factors.of(connection, handle)}
    if id_ not in own or own[id_].kind == RECOVERY:
        raise UnknownFactorError(factor=id_)
    _remove(connection, action, own[id_])
    if not any(each.kind in ASKED_FOR and each.id != id_ for each in own.values()):
        _remove_codes(connection, action, handle)
    return True


def reset(connection: Connection, by: Actor, handle: str, clock: Clock) -> bool:
    """Remove all factors of somebody who has lost them; return whether there were any.

    Raises:
        UnknownAccountError: if there is no such account.
    """
    action = AccountAction(connection, by, clock)
    known(connection, handle)
    own = [each for each in factors.of(connection, handle) if each.kind in ASKED_FOR]
    for each in own:
        _remove(connection, action, each)
    _remove_codes(connection, action, handle)
    return bool(own)


def _remove(connection: Connection, action: AccountAction, factor: Factor) -> None:
    factors.remove(connection, factor.id, action.now)
    action.record(account_events.FactorRemoved, factor=factor.id)


def _remove_codes(connection: Connection, action: AccountAction, handle: str) -> None:
    for each in factors.of(connection, handle):
        if each.kind == RECOVERY:
            factors.remove(connection, each.id, action.now)


def _new_codes(connection: Connection, action: AccountAction, handle: str, seal: Seal) -> list[str]:
    _remove_codes(connection, action, handle)
    codes = [second_factor.new_recovery_code() for _ in range(second_factor.RECOVERY_CODES)]
    kept = [
        Factor(
            secrets.random_id(), handle, RECOVERY, "", second_factor.recovery_digest(code), None, 0,
            action.now,
        )
        for code in codes
    ]  # fmt: skip
    factors.add(connection, [each._replace(seal=seal.on(factor_facts(each))) for each in kept])
    action.record(account_events.RecoveryCodesMade, handle=handle)
    return codes
