"""The rotation: how a log comes to its first key, and how one key takes the place of another.

Each step is repeated without harm, so that what was cut off half way goes on where it was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from incidents import clock
from incidents.audit import last_signed, sequencer, signing, signing_key
from incidents.audit.signing_key import CommandKey, KeyRing, SigningKeyError
from incidents.errors import DatabaseError, InputError, RefusedError
from incidents.store import checkpoints, log_keys
from incidents.store.engine import plainly, reading
from incidents.tlog.keys import ED25519, KeyFormatError, VerifierKey

OnRecord = Callable[[str, str | None], None]
"""Puts on record that a key signs from now on, in place of another or of none."""

_WAIT_S = 30.0
_PAUSE_S = 0.1
_TRIAL = b"incidents: this key can sign\n"


def first(
    engine: Engine, ring: KeyRing, name: str, put_on_record: OnRecord, *, public: str | None = None
) -> VerifierKey:
    """Makes the log's first key, called `name` as the log is, or takes the command's, `public`.

    Raises:
        RefusedError: if the log has a key, or the file's key belongs to another log.
        InputError, SigningKeyError, FileError: if there can be no such key.
    """
    active, _ = _state(engine)
    if active is not None:
        raise RefusedError(f"the log has a key, {active}: `incidents audit key rotate` replaces it")
    key = _of_command(ring, public) if ring.is_command else _of_file(ring, name, public)
    put_on_record(str(key), None)
    return key


def rotate(
    engine: Engine,
    ring: KeyRing,
    put_on_record: OnRecord,
    *,
    public: str | None = None,
    lost: bool = False,
) -> tuple[VerifierKey, Path | None]:
    """Lets a new key of the same name sign in place of the active one, or goes on with that.

    The first checkpoint with the entry that says so is signed by both, so that whoever trusts the
    old key comes to the new one; not if the old one is `lost`. Only then does the new one take the
    other's place.

    Returns:
        The new key, and where the old one lies now, if it was in a file.

    Raises:
        RefusedError: if there is no key to replace, or it is on another machine.
        InputError, SigningKeyError, FileError, InconsistentLogError: if it cannot be done.
    """
    active, last = _state(engine)
    if active is None:
        raise RefusedError(signing.NO_KEY)
    if ring.is_command:
        new = _of_command(ring, public)
        name = VerifierKey.parse(active).name
        if new.name != name:
            raise InputError(f"{new} is the key of another log: this one is {name}")
    else:
        new = _successor(engine, ring, VerifierKey.parse(active), public, last, lost=lost)
    if str(new) != active:
        put_on_record(str(new), active)
    _sign_with(engine, ring, new, lost=lost)
    return new, None if ring.is_command else signing_key.replace(ring)


def _state(engine: Engine) -> tuple[str | None, str | None]:
    """The active key, and the one that signed last."""
    with plainly(engine), reading(engine) as connection:
        last = checkpoints.last(connection)
        return log_keys.active(connection), None if last is None else last.key


def _of_command(ring: KeyRing, public: str | None) -> VerifierKey:
    if public is None:
        raise InputError("a command signs (setting key_command): name its key with --public VKEY")
    key = _verifier(public)
    signer = ring.signer(str(key))
    assert isinstance(signer, CommandKey)
    signer.sign(_TRIAL)
    return key


def _verifier(public: str) -> VerifierKey:
    try:
        key = VerifierKey.parse(public)
    except KeyFormatError as error:
        raise InputError(error.message) from error
    if key.algorithm != ED25519:
        raise InputError(f"{key} is the key of a witness, which signs no log")
    return key


def _of_file(ring: KeyRing, name: str, public: str | None) -> VerifierKey:
    _refuse_public(public)
    there = signing_key.read(ring.file)
    if there is None:
        return signing_key.make(ring.file, name).verifier
    # An attempt that was cut off has left it; it has signed nothing then, and has this name.
    if last_signed.read(ring.file) is not None or there.verifier.name != name:
        raise RefusedError(
            f"{ring.file} holds the key of another log, {there.verifier.name}: name another file "
            "with INCIDENTS_AUDIT_KEY"
        )
    return there.verifier


def _refuse_public(public: str | None) -> None:
    if public is not None:
        raise InputError("--public names the key of a command, and none is set (key_command)")


def _successor(
    engine: Engine,
    ring: KeyRing,
    active: VerifierKey,
    public: str | None,
    last: str | None,
    *,
    lost: bool,
) -> VerifierKey:
    _refuse_public(public)
    begun = signing_key.read(ring.successor)
    if begun is not None:
        return begun.verifier
    if not lost and ring.signer(str(active)) is None:
        raise RefusedError(
            f"the key that signs, {active}, is not in {ring.file}: rotate it on the machine that"
            " has it, or with --lost if nobody has"
        )
    if last != str(active) and not lost:
        # The key before it, if there is one, has not handed over yet.
        _sign_with(engine, ring, active, lost=lost)
    return signing_key.make(ring.successor, active.name).verifier


def _sign_with(engine: Engine, ring: KeyRing, key: VerifierKey, *, lost: bool) -> None:
    """Sees to it that the key has signed the log with its own entry."""
    until = time.monotonic() + _WAIT_S
    while True:
        # A daemon may be about to do the same.
        sequencer.number_all(engine)
        done = signing.sign(engine, ring, clock.now(), at_once=True, handover=not lost)
        if _state(engine)[1] == str(key):
            return
        if done.unable is not None:
            raise SigningKeyError(detail=done.unable)
        if time.monotonic() > until:
            raise DatabaseError(
                f"the entries could not be numbered within {_WAIT_S:.0f} s, since another process "
                "is at it: run the same again"
            )
        time.sleep(_PAUSE_S)
