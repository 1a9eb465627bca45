"""The bundle's notes: its checkpoint, its keys and their handing over, its witnesses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from incidents.audit.flaw import Flaw
from incidents.audit.proof.bundle_manifest import (
    CHECKPOINT,
    KEYS,
    WITNESSES,
    Manifest,
    NoBundleError,
    read_file,
)
from incidents.audit.proof.signed_check import Held, Roots, Witnessed, read, signers, time_of
from incidents.audit.proof.succession import Succession
from incidents.errors import IncidentsError
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, VerifierKey


@dataclass(frozen=True, slots=True)
class Notes:
    """What is signed: the checkpoint and its bytes, the keys, the oldest first, and the rest."""

    head: Held
    text: bytes
    keys: tuple[VerifierKey, ...]
    witnesses: tuple[VerifierKey, ...]
    handovers: tuple[Held, ...]

    @classmethod
    def of(cls, folder: Path, manifest: Manifest) -> Notes:
        """Those in a bundle's folder.

        Raises:
            NoBundleError: if one cannot be read.
        """
        text = read_file(folder, CHECKPOINT)
        keys = _keys(folder, KEYS, ED25519)
        witnesses = (
            _keys(folder, WITNESSES, COSIGNATURE_V1) if WITNESSES in manifest.digests else ()
        )
        names = manifest.under("handovers")
        if names != [f"handovers/{n:03}" for n in range(1, len(keys))]:
            detail = f"there are {len(names)}, and {len(keys)} keys"
            raise NoBundleError(file="handovers", detail=detail)
        handovers = tuple(_note(read_file(folder, name), name) for name in names)
        return cls(_note(text, CHECKPOINT), text, keys, witnesses, handovers)

    def witnessed(self) -> dict[str, Witnessed]:
        """What each witness has signed."""
        found = {}
        for key in self.witnesses:
            for signature in self.head.note.signatures:
                if (signature.name, signature.key_hash) == (key.name, key.key_hash):
                    found[str(key)] = Witnessed(self.head.checkpoint.size, time_of(signature))
        return found

    def flaws(self, manifest: Manifest) -> Iterator[Flaw]:
        """What is wrong with what they say and who has signed it."""
        size = self.head.checkpoint.size
        if size != manifest.size:
            what = f"it is of {size} entries, and the manifest says {manifest.size}"
            yield _flaw(CHECKPOINT, what)
        yield from self._signed(self.head, (self.keys[-1], *self.witnesses))
        for both, held in zip(pairwise(self.keys), self.handovers, strict=True):
            yield from self._signed(held, both)

    def unlike(self, succession: Succession, roots: Roots) -> Iterator[Flaw]:
        """What is wrong with the keys in the light of the whole record."""
        size = self.head.checkpoint.size
        on_record = [made.key for made in succession.made if made.leaf < size]
        if on_record[-len(self.keys) :] != list(self.keys):
            wanted = ", ".join(map(str, on_record)) or "none"
            yield _flaw(KEYS, f"these are not the last keys that the entries name: {wanted}")
            return
        leaves = {made.key: made.leaf for made in succession.made}
        for key, held in zip(self.keys[1:], self.handovers, strict=True):
            if leaves[key] >= held.checkpoint.size:
                yield _flaw(held.where, f"no entry in it hands over to {key}")
        for held in (self.head, *self.handovers):
            wrong = roots.wrong(held.checkpoint, held.where)
            if wrong is not None:
                yield wrong

    def _signed(self, held: Held, by: Sequence[VerifierKey]) -> Iterator[Flaw]:
        known = (*self.keys, *self.witnesses)
        try:
            found = signers(held, known)
        except IncidentsError as error:
            yield _flaw(held.where, error.message)
            return
        for key in by:
            if key not in found:
                yield _flaw(held.where, f"{key} has not signed it")
        if held.checkpoint.origin != self.keys[-1].name:
            yield _flaw(held.where, f"it is of another log, {held.checkpoint.origin!r}")
        # In a bundle there is nothing that is not accounted for.
        if len(held.note.signatures) != len(found):
            yield _flaw(held.where, "somebody has signed it whose key is not in the bundle")


def _keys(folder: Path, name: str, algorithm: int) -> tuple[VerifierKey, ...]:
    """One key a line, none twice."""
    try:
        *lines, last = read_file(folder, name).decode().split("\n")
        keys = tuple(map(VerifierKey.parse, lines))
    except (UnicodeDecodeError, IncidentsError) as error:
        detail = error.message if isinstance(error, IncidentsError) else "it is no UTF-8"
        raise NoBundleError(file=name, detail=detail) from error
    if last or not keys or len(set(keys)) < len(keys):
        raise NoBundleError(file=name, detail="it must hold one key a line, and none twice")
    if any(key.algorithm != algorithm for key in keys):
        raise NoBundleError(file=name, detail="a key in it is not of the kind that belongs there")
    return keys


def _note(data: bytes, name: str) -> Held:
    try:
        return read(data, name)
    except IncidentsError as error:
        raise NoBundleError(file=name, detail=error.message) from error


def _flaw(where: str, what: str) -> Flaw:
    return Flaw(part="checkpoints", where=where, what=what)
