"""Security keys: bound to the console's name, to one attempt, and to the account of their owner."""

from __future__ import annotations

import pytest

from incidents import clock
from incidents.accounts import security_keys
from incidents.accounts.access_settings import Access
from incidents.accounts.authenticator import Authenticator
from incidents.accounts.second_factor import FactorNeededError
from incidents.accounts.security_keys import Answer, WrongFactorError
from incidents.accounts.serve_key import UNSEALED
from incidents.accounts.sign_in_ticket import read_ticket
from incidents.desk import factors
from incidents.desk.own_stream import Actor
from incidents.store.accounts import passwords
from incidents.store.accounts.factors import WEBAUTHN
from incidents.store.database.engine import reading
from tests.accounts.rig import HERE, PASSWORD, AccountRig
from tests.accounts.soft_key import SoftKey, text

CHALLENGE = b"c" * 32
DESK = Access(rp_id="desk.host.example")


def added(rig: AccountRig, key: SoftKey, handle: str = "operator-1") -> None:
    by = Actor(person=handle, login="session", signed_in=True)
    blank = factors.blank(handle, WEBAUTHN, "blue", clock.now)
    new = security_keys.registered(Access(), key.create(CHALLENGE), CHALLENGE, blank)
    rig.desk.on_record(lambda c: factors.add(c, by, new, clock.now))


@pytest.fixture
def key(rig: AccountRig) -> SoftKey:
    """The key of an operator."""
    rig.make("operator-1")
    made = SoftKey()
    added(rig, made)
    return made


def ticket(rig: AccountRig, handle: str = "operator-1") -> tuple[str, bytes]:
    """A ticket of somebody whose password was right, and the challenge that belongs to it."""
    with pytest.raises(FactorNeededError) as needed:
        rig.authenticator.sign_in(handle, PASSWORD, HERE)
    with reading(rig.engine) as connection:
        password = passwords.of(connection, handle)
    assert password is not None
    held = read_ticket(needed.value.ticket, password.hash, clock.now(), UNSEALED)
    assert held is not None
    return needed.value.ticket, held.challenge


def finished(rig: AccountRig, held: str, credential: str) -> str:
    """The handle of who signed in."""
    return rig.authenticator.finish(held, Answer(credential=credential), HERE).identity.handle


def test_what_the_key_signs_for_the_attempt_signs_in(rig: AccountRig, key: SoftKey) -> None:
    held, challenge = ticket(rig)
    assert finished(rig, held, key.get(challenge)) == "operator-1"
    assert rig.log()[0]["how"] == "webauthn"
    assert rig.findings() == []


@pytest.mark.parametrize("counts", [True, False])
def test_an_answer_is_used_once(rig: AccountRig, key: SoftKey, counts: bool) -> None:
    key.counts = counts
    held, challenge = ticket(rig)
    answer = key.get(challenge)
    finished(rig, held, answer)
    with pytest.raises(WrongFactorError):
        finished(rig, held, answer)


def test_the_answer_to_another_attempt_is_none(rig: AccountRig, key: SoftKey) -> None:
    _, earlier = ticket(rig)
    rig.moved.tick(1)
    held, _ = ticket(rig)
    with pytest.raises(WrongFactorError):
        finished(rig, held, key.get(earlier))


def test_a_copy_of_a_key_that_signs_behind_it_is_refused(rig: AccountRig, key: SoftKey) -> None:
    held, challenge = ticket(rig)
    key.count = 7
    finished(rig, held, key.get(challenge))
    rig.moved.tick(1)
    held, challenge = ticket(rig)
    key.count = 3
    with pytest.raises(WrongFactorError):
        finished(rig, held, key.get(challenge))


def test_the_key_of_somebody_else_is_none(rig: AccountRig, key: SoftKey) -> None:
    rig.make("operator-2")
    added(rig, SoftKey(), "operator-2")
    held, challenge = ticket(rig, "operator-2")
    with pytest.raises(WrongFactorError):
        finished(rig, held, key.get(challenge))


@pytest.mark.parametrize(
    "given",
    [
        "", "{}", "[]", "no document", '{"response": {}}', "[" * 9_000,
        f'{{"response": {{"clientDataJSON": "{text(b"[]")}"}}}}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused(rig: AccountRig, key: SoftKey, given: str) -> None:
    held, _ = ticket(rig)
    with pytest.raises(WrongFactorError):
        finished(rig, held, given or " ")
    assert key.count == 0


@pytest.mark.parametrize(
    ("origin", "rp_id", "accepted"),
    [
        ("https://desk.host.example", "desk.host.example", True),
        ("https://desk.host.example:8443", "desk.host.example", True),
        ("http://desk.host.example", "desk.host.example", False),
        ("https://other.host.example", "desk.host.example", False),
        ("https://desk.host.example.evil.example", "desk.host.example", False),
        ("https://desk.host.example", "host.example", False),
        ("http://localhost:7390", "localhost", False),
    ],
)
def test_a_key_is_added_only_at_the_consoles_own_address(
    origin: str, rp_id: str, accepted: bool
) -> None:
    made = SoftKey(origin, rp_id).create(CHALLENGE)
    blank = factors.blank("operator-1", WEBAUTHN, "blue", clock.now)
    if accepted:
        assert security_keys.registered(DESK, made, CHALLENGE, blank).credential
    else:
        with pytest.raises(WrongFactorError):
            security_keys.registered(DESK, made, CHALLENGE, blank)


def test_a_key_that_signs_elsewhere_signs_nobody_in(rig: AccountRig, key: SoftKey) -> None:
    rig.authenticator = Authenticator(rig.engine, clock.now, UNSEALED)
    held, challenge = ticket(rig)
    key.origin = "https://phishing.example"
    with pytest.raises(WrongFactorError):
        finished(rig, held, key.get(challenge))
