"""Invitations: an administrator makes one, the invited person chooses a password, once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from incidents import clock
from incidents.accounts import secrets
from incidents.desk import accounts, invitations
from incidents.desk.accounts import NoGuardError
from incidents.desk.invitations import VALID_FOR, InvitationOverError
from incidents.desk.own_stream import Actor
from incidents.desk.tokens import DisabledAccountError
from incidents.record import account_events
from incidents.record.entry import decode
from incidents.store.accounts import invitations as stored
from incidents.store.accounts import passwords
from incidents.store.database.engine import reading
from incidents.store.schema.desk_tables import entries
from tests.accounts.rig import BY, HERE, PASSWORD, AccountRig

DAY = timedelta(days=1)
CHOSEN = "no rain before the harvest"


def invited(
    rig: AccountRig, handle: str = "operator-1", role: str | None = "operator", by: Actor = BY
) -> str:
    """The secret of a new invitation."""
    secret = secrets.random_secret()
    rig.desk.on_record(lambda c: invitations.invite(c, by, handle, role, clock.now, secret=secret))
    return secret


def accepted(rig: AccountRig, secret: str, password: str = CHOSEN) -> str:
    hash_ = secrets.hash_password(password, "operator-1")
    return rig.desk.on_record(
        lambda c: invitations.accept(c, secret, hash_, clock.now, second_after=DAY)
    )


def on_record(rig: AccountRig) -> list[Any]:
    with reading(rig.engine) as connection:
        rows = connection.execute(entries.select().order_by(entries.c.id)).all()
    return [decode(row.body)[1] for row in rows]


def test_an_invited_person_signs_in_with_the_password_that_they_chose(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    secret = invited(rig)
    assert accepted(rig, secret) == "operator-1"
    assert rig.authenticator.sign_in("operator-1", CHOSEN, HERE).identity.role == "operator"
    *_, made, used, password = on_record(rig)
    assert (type(made), made.handle, made.by) == (
        account_events.InvitationMade, "operator-1", "admin-1",
    )  # fmt: skip
    assert (type(used), used.by) == (account_events.InvitationUsed, "operator-1")
    assert isinstance(password, account_events.PasswordSet)
    assert rig.findings() == []


def test_the_database_has_only_the_digest_of_the_secret(rig: AccountRig) -> None:
    secret = invited(rig, "admin-1", "administrator")
    with reading(rig.engine) as connection:
        [kept] = stored.of_account(connection)
    assert kept.digest == secrets.digest(secret)
    assert secret not in repr((kept, on_record(rig)))


def test_whoever_made_the_invitation_is_no_second_person_beside_the_invited_one(
    rig: AccountRig,
) -> None:
    rig.make("admin-1", "administrator")
    accepted(rig, invited(rig))
    with reading(rig.engine) as connection:
        password = passwords.of(connection, "operator-1")
    assert password is not None
    assert password.given is not None
    assert (password.given.by, password.given.counts_from) == ("admin-1", clock.now() + DAY)


def test_an_invitation_works_once(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    secret = invited(rig)
    accepted(rig, secret)
    with pytest.raises(InvitationOverError):
        accepted(rig, secret, "seven grey geese go north")
    rig.authenticator.sign_in("operator-1", CHOSEN, HERE)


def test_an_invitation_works_for_72_hours_and_not_a_moment_longer(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    secret = invited(rig)
    rig.moved.tick(VALID_FOR)
    with pytest.raises(InvitationOverError):
        accepted(rig, secret)
    rig.moved.tick(timedelta(microseconds=-1))
    assert accepted(rig, secret) == "operator-1"


def test_a_new_invitation_ends_the_one_before(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    before, now = invited(rig), invited(rig, role=None)
    with pytest.raises(InvitationOverError):
        accepted(rig, before)
    assert accepted(rig, now) == "operator-1"


def _revoked(rig: AccountRig) -> None:
    def act(connection: Connection) -> None:
        [found] = stored.of_account(connection)
        assert invitations.revoke(connection, BY, found.id, clock.now)
        assert not invitations.revoke(connection, BY, found.id, clock.now)

    rig.desk.on_record(act)


def _maker_left(rig: AccountRig) -> None:
    rig.disable("admin-1")


def _maker_demoted(rig: AccountRig) -> None:
    rig.desk.on_record(lambda c: accounts.give_role(c, BY, "admin-1", "viewer", clock.now))


def _disabled(rig: AccountRig) -> None:
    rig.disable("operator-1")


@pytest.mark.parametrize("ended", [_revoked, _maker_left, _maker_demoted, _disabled])
def test_an_invitation_ends_with_what_it_rests_on(rig: AccountRig, ended: Any) -> None:
    rig.make("admin-1", "administrator")
    rig.make("admin-2", "administrator")
    secret = invited(rig)
    ended(rig)
    with pytest.raises(InvitationOverError):
        accepted(rig, secret)
    assert rig.findings() == []


def test_nobody_but_an_administrator_is_invited_before_one_has_a_password(rig: AccountRig) -> None:
    anybody = Actor(person="li", login="li")
    with pytest.raises(NoGuardError):
        invited(rig, by=anybody)
    assert accepted(rig, invited(rig, "admin-1", "administrator", by=anybody)) == "admin-1"


def test_by_an_invitation_a_forgotten_password_is_replaced(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    rig.make("operator-1")
    _, token = rig.token("operator-1")
    cookie = rig.authenticator.sign_in("operator-1", PASSWORD, HERE).cookie
    accepted(rig, invited(rig, role=None))
    assert rig.authenticator.by_session(cookie) is None
    assert rig.authenticator.by_token(token) is None
    rig.authenticator.sign_in("operator-1", CHOSEN, HERE)


def test_an_invitation_neither_changes_a_role_nor_enables_an_account(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    rig.make("operator-1")
    with pytest.raises(invitations.OtherRoleError):
        invited(rig, role="supervisor")
    with pytest.raises(invitations.RoleNeededError):
        invited(rig, "operator-2", role=None)
    rig.disable("operator-1")
    with pytest.raises(DisabledAccountError):
        invited(rig, role=None)


def test_an_invitation_that_is_brought_back_in_the_database_is_found(rig: AccountRig) -> None:
    rig.make("admin-1", "administrator")
    accepted(rig, invited(rig))
    with rig.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE invitations SET used_at = NULL")
    [finding] = rig.findings()
    assert "used_at" in repr(finding)
