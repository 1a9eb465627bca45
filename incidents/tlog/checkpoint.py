"""The checkpoint: origin, size and root as a note's text, and a witness's cosignature (C2SP).

It commits the log to everything it holds: who has a checkpoint of size N can have it proved that
each larger one begins with the same N entries.

"As of this time, the largest consistent tree that I have seen of the log of this origin has this
root." The message is two lines, then the text of the checkpoint; the signature is the time in
eight bytes, then 64 bytes of Ed25519. Of extension lines nothing is stated.
"""

from __future__ import annotations

from dataclasses import dataclass

from incidents.errors import VerificationError
from incidents.tlog import keys, signature
from incidents.tlog import signature as spelling
from incidents.tlog.keys import COSIGNATURE_V1, KeyFormatError, Signer, VerifierKey
from incidents.tlog.signature import NoteError, Signature

ROOT_BYTES = 32


class CheckpointError(VerificationError):
    """This is no checkpoint: {detail}"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of `size` entries (at least 0) of the log `origin`; `root` is 32 bytes.

    Of `extensions`, further lines, neither log nor witness states anything.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= signature.MAX_NUMBER:
            raise CheckpointError(detail=f"its size is {self.size}")
        if len(self.root) != ROOT_BYTES:
            raise CheckpointError(detail=f"its root has {len(self.root)} bytes, not {ROOT_BYTES}")
        for line in (self.origin, *self.extensions):
            if line == "" or not signature.is_utf8(line) or any(c < " " for c in line):
                raise CheckpointError(detail=f"{line!r} is no line of it")

    @property
    def text(self) -> str:
        """The text that is signed, the newline at its end included."""
        lines = (self.origin, str(self.size), signature.base64_of(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse(text: str) -> Checkpoint:
    """The checkpoint that `Checkpoint.text` has written.

    Raises:
        CheckpointError: for anything that would be written in another way.
    """
    if not text.endswith("\n"):
        raise CheckpointError(detail="it does not end with a newline")
    origin, *lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2:
        raise CheckpointError(detail="it has less than three lines")
    size, root, *extensions = lines
    return Checkpoint(origin, _size(size), _root(root), tuple(extensions))


def _size(line: str) -> int:
    try:
        return signature.from_decimal(line)
    except ValueError as error:
        raise CheckpointError(detail=f"its size is {line[:40]!r}, {error}") from error


def _root(line: str) -> bytes:
    try:
        return signature.from_base64(line)
    except ValueError as error:
        raise CheckpointError(detail=f"its root is {line[:80]!r}, {error}") from error


_TIME_BYTES = 8
_BLOB_BYTES = _TIME_BYTES + keys.SIGNATURE_BYTES


def message(checkpoint_text: str, at_unix_s: int) -> bytes:
    """What a witness signs: `at_unix_s` is in whole seconds since 1970 (UTC)."""
    return f"cosignature/v1\ntime {at_unix_s}\n{checkpoint_text}".encode()


def cosign(key: Signer, checkpoint_text: str, at_unix_s: int) -> Signature:
    """The cosignature of a checkpoint's text, as of that time.

    Raises:
        KeyFormatError: if the key is not one of a witness.
        ValueError: for a time before 1970, or after 2^63 - 1 seconds.
    """
    if key.verifier.algorithm != COSIGNATURE_V1:
        detail = "a witness signs with a key of algorithm 0x04 alone"
        raise KeyFormatError(given=repr(str(key.verifier)), detail=detail)
    if not 0 <= at_unix_s <= spelling.MAX_NUMBER:
        raise ValueError(f"no time of a cosignature: {at_unix_s}")
    signed = key.sign(message(checkpoint_text, at_unix_s))
    blob = at_unix_s.to_bytes(_TIME_BYTES, "big") + signed
    return Signature(key.verifier.name, key.verifier.key_hash, blob)


def verify(key: VerifierKey, checkpoint_text: str, blob: bytes) -> bool:
    """Whether a signature's `blob` is a cosignature of that text by that witness, of any time."""
    if len(blob) != _BLOB_BYTES:
        return False
    at, signed = int.from_bytes(blob[:_TIME_BYTES], "big"), blob[_TIME_BYTES:]
    return at <= spelling.MAX_NUMBER and keys.verify(key, message(checkpoint_text, at), signed)


def time_of(signature: Signature) -> int:
    """When it was made, by the witness's clock: whole seconds since 1970 (UTC).

    Raises:
        NoteError: if it is not as long as a cosignature.
    """
    if len(signature.blob) != _BLOB_BYTES:
        raise NoteError(detail=f"the signature of {signature.name!r} is no cosignature")
    return int.from_bytes(signature.blob[:_TIME_BYTES], "big")
