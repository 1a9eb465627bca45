"""The cosignature: a witness's statement of when it saw a checkpoint (C2SP tlog-cosignature, v1).

"As of this time, the largest consistent tree that I have seen of the log of this origin has this
root." The message is two lines, then the text of the checkpoint; the signature is the time in
eight bytes, then 64 bytes of Ed25519. Of extension lines nothing is stated.
"""

from __future__ import annotations

from incidents.tlog import keys, spelling
from incidents.tlog.keys import COSIGNATURE_V1, KeyFormatError, Signer, VerifierKey
from incidents.tlog.signature import NoteError, Signature

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
