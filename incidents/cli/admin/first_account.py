"""The first account: `serve` offers to make it, since nobody can sign in without one.

It follows the rules of `account add` and `account password`, but is written in one transaction: an
interrupted dialogue leaves nothing behind.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from incidents import clock
from incidents.accounts import access_settings, secrets
from incidents.cli import confirmation, error_text, reauthentication
from incidents.cli.admin import rule_owners
from incidents.cli.admin.account_admin import AccountAdmin
from incidents.desk import accounts
from incidents.desk.own_stream import Actor
from incidents.errors import InputError, RefusedError
from incidents.store.accounts import accounts as stored_accounts
from incidents.system.terminal import is_terminal

if TYPE_CHECKING:
    from incidents.cli.run import Run


_MOST_SHOWN = 5
_STEPS = (
    "incidents account add admin-1 --role administrator",
    "incidents account password admin-1",
)


def offer(run: Run) -> None:
    """Offer to make the first administrator, if there is none and somebody is at the terminal.

    Elsewhere, say how to make it. If there are accounts, say which of them have no password yet.
    Ctrl-C ends the program.
    """
    with run.local.reading() as connection:
        if stored_accounts.any_exist(connection):
            lacking = stored_accounts.without_password(connection, clock.now())
            _hint(run, lacking)
            return
    if not _make(run):
        steps = (run.text("answer.next", step=step) for step in _STEPS)
        run.inform(run.text("first_account.later"), *steps)


def _hint(run: Run, lacking: list[str]) -> None:
    """Say who cannot sign in for want of a password, unless a provider signs people in."""
    if not lacking or access_settings.provider() is not None:
        return
    shown = ", ".join(lacking[:_MOST_SHOWN])
    more = len(lacking) - _MOST_SHOWN
    if more > 0:
        shown = run.text("first_account.more", names=shown, n=more)
    steps = (f"incidents account {verb} {lacking[0]}" for verb in ("invite", "password"))
    run.inform(
        run.text("first_account.no_password", names=shown),
        *(run.text("answer.next", step=step) for step in steps),
    )


def _make(run: Run) -> bool:
    """Make the account if the person wants it; return whether there is one now."""
    if run.for_programs or not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        return False
    run.inform(run.text("first_account.offer"))
    handle = _handle(run)
    hash_ = _password_hash(run, handle) if handle else None
    if not handle or hash_ is None:
        return False
    by = Actor(person=run.settings.person, login=run.settings.login)
    if AccountAdmin(run, by).make_first(handle, hash_):
        run.inform(run.text("first_account.made", handle=handle))
        rule_owners.warn(run)
    else:
        run.inform(run.text("first_account.not_first"))
    return True


def _handle(run: Run) -> str | None:
    """Ask until the name can be one; None if the person gives none."""
    while given := confirmation.read_confirmation(run, [run.question("first_account.name")], None):
        if not (handle := given.strip()):
            return None
        try:
            return accounts.check_handle(handle)
        except (InputError, RefusedError) as error:
            run.inform(error_text.rendered(run, error))
    return None


def _password_hash(run: Run, handle: str) -> str | None:
    """Ask until the password is strong enough; None if the person gives none."""
    while True:
        try:
            new = reauthentication.read_new_password(run, None, handle)
            return secrets.hash_password(new, handle)
        except reauthentication.PasswordNeededError:
            return None
        except (InputError, RefusedError) as error:
            run.inform(error_text.rendered(run, error))
