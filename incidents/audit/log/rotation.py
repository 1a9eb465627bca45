"""The rotation of the log's keys: the first key, and each replacement.

Every step can be repeated safely, so that an interrupted rotation can continue.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine

from incidents import clock
from incidents.audit.log import loss, sequencer, signed_files, signers_lock, signing, signing_key
from incidents.audit.log.signing_key import CommandKey, KeyRing, SigningKeyError
from incidents.errors import DatabaseError, InputError, RefusedError
from incidents.store.database.engine import plainly, reading
from incidents.store.log import checkpoints
from incidents.tlog.keys import ED25519, KeyFormatError, VerifierKey

RecordKey = Callable[[str, str | None], None]
"""A function that records the first key of the log."""
Replaces = Callable[[str, str | None, bool], None]
"""A function that records a new key, the key that it replaces, and whether that key is lost."""

_WAIT_S = 30.0
_PAUSE_S = 0.1
_TRIAL = b"incidents: this key can sign\n"


def first(
    engine: Engine, ring: KeyRing, name: str, put_on_record: RecordKey, *, public: str | None = None
) -> VerifierKey:
    """Create the log's first key, called `name`, or use the command's key, `public`.

    Raises:
        RefusedError: if the log has a key, or the file's key belongs to another log.
        InputError, SigningKeyError, FileError, TornShareError: if that key cannot be used.
    """
    active = _state(engine).active
    if active is not None:
        sentence = (
            "the log already has a key, {active}: replace it with `incidents audit key rotate`"
        )
        raise RefusedError.coded("log_has_key", sentence, active=active)
    signed_files.check_share(ring.file)
    key = _of_command(ring, public) if ring.is_command else _of_file(ring, name, public)
    put_on_record(str(key), None)
    return key


def rotate(
    engine: Engine,
    ring: KeyRing,
    put_on_record: Replaces,
    *,
    public: str | None = None,
    lost: bool = False,
) -> tuple[VerifierKey, Path | None]:
    """Replace the active key with a new key of the same name, or finish an interrupted rotation.

    Both keys sign the first checkpoint that covers the entry about the change, unless the old key
    is `lost`. Thus whoever trusts the old key can trust the new one. The new key replaces the old
    key only after that signature.

    Returns:
        The new key, and the new path of the old key if it was in a file.

    Raises:
        RefusedError: if there is no key to replace, if another machine signs or has the key, or if
            both the old key and the signed notes are lost.
        HeldError: if another process keeps the signers' lock.
        InputError, SigningKeyError, FileError, InconsistentLogError: if the rotation fails.
    """
    if _state(engine).active is None:
        raise RefusedError(signing.NO_KEY)
    # Checked before the lock, which makes a place.
    signers_lock.check(ring.file, signers_lock.place_id(ring.file), _state(engine).place)
    with signers_lock.held(ring.file) as place:
        signers_lock.check(ring.file, place, _state(engine).place)
        # Before anything is on record.
        signed_files.check_share(ring.file)
        if lost:
            # Signed entries may only have lost their numbers.
            sequencer.number_all(engine)
            loss.check(engine, ring.file)
        new = begin(engine, ring, place, public=public, lost=lost)
        return new, finish(engine, ring, place, new, put_on_record, lost=lost)


def begin(
    engine: Engine,
    ring: KeyRing,
    place: str,
    *,
    public: str | None = None,
    lost: bool = False,
    another: bool = False,
    fresh: bool = False,
) -> VerifierKey:
    """Return the next signing key: a new one, that of an interrupted rotation, or the command's.

    With `another`, the key is not one that might have signed. With `fresh`, the key is created now,
    because a copy of this folder might contain an earlier key. The key is not on record yet. The
    caller holds the signers' lock of `place`. Raises the same errors as `rotate`.
    """
    state = _state(engine)
    active = VerifierKey.parse(str(state.active))
    if ring.is_command:
        new = _of_command(ring, public)
        if new.name != active.name:
            sentence = "{new} is the key of another log; this log is {origin}"
            raise InputError.coded("key_of_another_log", sentence, new=new, origin=active.name)
        if not _may_sign(state, ring, new, lost=lost, another=another):
            code = "on_record" if str(new) in state.every else "has_signed"
            raise RefusedError.coded(f"key_{code}", _KNOWN[code], new=new)
        return new
    _refuse_public(public)
    begun = signing_key.read(ring.successor)
    if begun is not None:
        if not fresh and _may_sign(state, ring, begun.verifier, lost=lost, another=another):
            return begun.verifier
        signing_key.retire(ring, begun.verifier)
    if not lost and ring.signer(str(active)) is None:
        raise RefusedError.coded(
            "signing_key_elsewhere",
            "the signing key {active} is not in {file}: rotate it on the machine that has it; if"
            " nobody has it, add --lost",
            active=active, file=ring.file,
        )  # fmt: skip
    if state.last != str(active) and not lost:
        # The key before it, if there is one, has not handed over yet.
        _sign_with(engine, ring, place, active)
    return signing_key.make(ring.successor, active.name, after=ring.file).verifier


def finish(
    engine: Engine,
    ring: KeyRing,
    place: str,
    new: VerifierKey,
    put_on_record: Replaces,
    *,
    lost: bool = False,
    claims: bool = False,
) -> Path | None:
    """Record the new key, sign with it, and replace the old one.

    With `claims`, `place` becomes the place where the log is signed. Raises the same errors as
    `rotate`.

    Returns:
        The new path of the old key, if the old key was in a file.
    """
    active = _state(engine).active
    if lost:
        loss.record_answer(engine, ring.file, new)
    if str(new) != active:
        put_on_record(str(new), active, lost)
    if lost:
        # Not before: after an interruption it must be found again.
        signed_files.put_torn_share_aside(ring.file)
    _sign_with(engine, ring, place, new, claims=claims)
    return None if ring.is_command else signing_key.replace(ring)


def unfinished_key(engine: Engine, ring: KeyRing) -> VerifierKey | None:
    """Return the key of an unfinished rotation; None if there is none.

    The key is on record but has not signed, or its file is not in place.
    """
    state = _state(engine)
    if state.active is None or state.last is None:
        return None
    active = VerifierKey.parse(state.active)
    if state.active != state.last:
        return active
    following = None if ring.is_command else signing_key.read(ring.successor)
    return active if following is not None and following.verifier == active else None


class _State(NamedTuple):
    """The active key, the last key that signed, all keys, and the place where the log is signed.

    `after_loss`: the key before the active one is lost, so there is no hand-over.
    """

    active: str | None
    after_loss: bool
    last: str | None
    every: frozenset[str]
    place: str | None


def _state(engine: Engine) -> _State:
    with plainly(engine), reading(engine) as connection:
        keys, last = checkpoints.every_key(connection), checkpoints.last(connection)
        active = checkpoints.active(connection)
        after_loss = active is not None and signing.was_lost(connection, keys[active].seq)
        place = checkpoints.signing_place(connection)
    return _State(active, after_loss, None if last is None else last.key, frozenset(keys), place)


def _may_sign(state: _State, ring: KeyRing, key: VerifierKey, *, lost: bool, another: bool) -> bool:
    """Whether the key, which might be from an earlier attempt, can be the next key."""
    if str(key) == state.active:
        has_signed = state.last == state.active
        # Another key: a copy of the database and of the folder may have it too, and sign.
        return not another and (not lost or state.after_loss or has_signed)
    # It has signed another history, which does not belong to this one.
    return str(key) not in state.every and not signed_files.has_signed(ring.file, key)


def _of_command(ring: KeyRing, public: str | None) -> VerifierKey:
    if public is None:
        raise InputError.coded(
            "command_signs",
            "a command signs this log (setting key_command): name its key with --public VKEY",
        )
    try:
        key = VerifierKey.parse(public)
    except KeyFormatError as error:
        raise InputError(error.message) from error
    if key.algorithm != ED25519:
        raise InputError.coded(
            "witness_signs_no_log", "{key} is a witness key and cannot sign a log", key=key
        )
    signer = ring.signer(str(key))
    assert isinstance(signer, CommandKey)
    signer.sign(_TRIAL)
    return key


def _of_file(ring: KeyRing, name: str, public: str | None) -> VerifierKey:
    _refuse_public(public)
    there = signing_key.read(ring.file)
    if there is None:
        return signing_key.make(ring.file, name).verifier
    # An interrupted attempt has left it: it has signed nothing, and has this name.
    if signed_files.has_signed(ring.file, there.verifier) or there.verifier.name != name:
        raise RefusedError.coded(
            "file_of_another_log",
            "{file} holds the key of another log, {origin}: name another file with"
            " INCIDENTS_AUDIT_KEY",
            file=ring.file, origin=there.verifier.name,
        )  # fmt: skip
    return there.verifier


def _refuse_public(public: str | None) -> None:
    if public is not None:
        raise InputError.coded(
            "no_key_command", "--public needs a signing command: set key_command, or omit --public"
        )


_KNOWN = {
    "on_record": "the key {new} is already on record: name a new one with --public",
    "has_signed": "the key {new} has signed before: name a new one with --public",
}


def _sign_with(
    engine: Engine, ring: KeyRing, place: str, key: VerifierKey, *, claims: bool = False
) -> None:
    """Sign the log with the key, including the entry that names the key."""
    until = time.monotonic() + _WAIT_S
    while True:
        # A daemon may be about to do it as well.
        sequencer.number_all(engine)
        done = signing.sign_locked(engine, ring, clock.now(), place, at_once=True, claims=claims)
        if _state(engine).last == str(key):
            return
        if done.unable is not None:
            raise SigningKeyError(detail=done.unable)
        if time.monotonic() > until:
            raise DatabaseError.coded(
                "not_numbered",
                "the entries could not be numbered within {seconds:.0f} s: another process is"
                " numbering them. Run the command again",
                seconds=_WAIT_S,
            )
        time.sleep(_PAUSE_S)
