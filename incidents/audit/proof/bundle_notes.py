"""The bundle's notes: its last checkpoint, and the keys and signatures that confirm it.

This module reads the notes from a bundle; `voucher` makes the notes of a new bundle.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from incidents.audit.facts import Flaw, cause_of
from incidents.audit.proof.bundle_files import (
    CHECKPOINT,
    KEYS,
    WITNESSES,
    Manifest,
    NoBundleError,
    read_file,
)
from incidents.audit.proof.signed_check import Held, Roots, Witnessed, flaw, read, time_of
from incidents.audit.proof.succession import Succession
from incidents.errors import Cause, IncidentsError
from incidents.tlog import note
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, VerifierKey


@dataclass(frozen=True, slots=True)
class Notes:
    """The signed parts of a bundle: the checkpoint and its bytes, the keys, and other notes.

    The keys are in order, the oldest first.
    """

    head: Held
    text: bytes
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...]
    handovers: tuple[Held, ...]

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> Notes:
        """Read the notes of a bundle's folder.

        Raises:
            NoBundleError: if a note cannot be read.
        """
        text = read_file(folder, CHECKPOINT)
        keys = _keys(folder, KEYS, ED25519)
        witnesses = (
            _keys(folder, WITNESSES, COSIGNATURE_V1) if WITNESSES in manifest.digests else ()
        )
        names = manifest.under("handovers")
        if names != [f"handovers/{n:03}" for n in range(1, len(keys))]:
            detail = Cause.of(
                "number_of_keys",
                "there are {found}, and {keys} keys",
                found=len(names),
                keys=len(keys),
            )
            raise NoBundleError(file="handovers", detail=detail)
        handovers = tuple(_note(read_file(folder, name), name) for name in names)
        return cls(_note(text, CHECKPOINT), text, keys, witnesses, handovers)

    def witnessed(self) -> dict[str, Witnessed]:
        """The tree size that each witness has signed, and when."""
        found = {}
        for key in self.witnesses:
            for signature in self.head.note.signatures:
                if signature.is_by(key):
                    found[str(key)] = Witnessed(self.head.checkpoint.size, time_of(signature))
        return found

    def flaws(self, manifest: Manifest) -> Iterator[Flaw]:
        """Find the flaws of the notes and of their signatures."""
        size = self.head.checkpoint.size
        if size != manifest.size:
            what = Cause.of(
                "flaw_manifest_size", "it is of {n} entries, but the manifest says {said}",
                n=size, said=manifest.size,
            )  # fmt: skip
            yield flaw(CHECKPOINT, what)
        yield from self._signed(self.head, (self.keys[-1], *self.witnesses))
        for both, held in zip(pairwise(self.keys), self.handovers, strict=True):
            yield from self._signed(held, both)

    def differences(self, succession: Succession, roots: Roots) -> Iterator[Flaw]:
        """Find where the notes differ from the keys and the tree of the whole record."""
        size = self.head.checkpoint.size
        on_record = [made.key for made in succession.made if made.leaf < size]
        if on_record[-len(self.keys) :] != list(self.keys):
            wanted = ", ".join(map(str, on_record))
            other = "these are not the last keys that the entries name: {wanted}"
            code = "flaw_last_keys"
            if not wanted:
                code, other = (
                    "flaw_no_keys",
                    "these are not the last keys that the entries name: none",
                )
            yield flaw(KEYS, Cause.of(code, other, wanted=wanted))
            return
        leaves = {made.key: made.leaf for made in succession.made}
        for key, held in zip(self.keys[1:], self.handovers, strict=True):
            if leaves[key] >= held.checkpoint.size:
                none = "no entry in it hands over to {key}"
                yield flaw(held.where, Cause.of("flaw_no_handover", none, key=str(key)))
        for held in (self.head, *self.handovers):
            wrong = roots.wrong(held.checkpoint, held.where)
            if wrong is not None:
                yield wrong

    def _signed(self, held: Held, by: Sequence[VerifierKey]) -> Iterator[Flaw]:
        known = (*self.keys, *self.witnesses)
        try:
            found = note.verified_keys(held.note, known)
        except IncidentsError as error:
            yield flaw(held.where, cause_of(error))
            return
        for key in by:
            if key not in found:
                what = Cause.of("flaw_unsigned", "{key} has not signed it", key=str(key))
                yield flaw(held.where, what)
        if held.checkpoint.origin != self.keys[-1].name:
            other = "it belongs to another log, {origin!r}"
            what = Cause.of("flaw_other_log", other, origin=held.checkpoint.origin)
            yield flaw(held.where, what)
        # A bundle holds nothing unexplained.
        if len(held.note.signatures) != len(found):
            somebody = "somebody has signed it whose key is not in the bundle"
            yield flaw(held.where, Cause.of("flaw_strange_signature", somebody))


def _keys(folder: Path, name: str, algorithm: int) -> tuple[VerifierKey, ...]:
    """Read the keys in a file: one key on each line, none twice."""
    try:
        *lines, last = read_file(folder, name).decode().split("\n")
        keys = tuple(map(VerifierKey.parse, lines))
    except (UnicodeDecodeError, IncidentsError) as error:
        detail = (
            error.message
            if isinstance(error, IncidentsError)
            else Cause.of("no_utf8", "it is not UTF-8")
        )
        raise NoBundleError(file=name, detail=detail) from error
    if last or not keys or len(set(keys)) < len(keys):
        raise NoBundleError(
            file=name, detail=Cause.of("key_a_line", "it must hold one key a line, and none twice")
        )
    if any(key.algorithm != algorithm for key in keys):
        raise NoBundleError(
            file=name,
            detail=Cause.of(
                "key_of_other_kind", "a key in it is not of the kind that belongs there"
            ),
        )
    return keys


def _note(data: bytes, name: str) -> Held:
    try:
        return read(data, name)
    except IncidentsError as error:
        raise NoBundleError(file=name, detail=error.message) from error
