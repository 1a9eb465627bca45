"""The signed note: a text, an empty line, and the signatures of those who vouch for it.

C2SP signed-note, to the byte as Go's `sumdb/note` writes it. The text ends with a newline and is
UTF-8 without control characters; each signature has a line of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from incidents.tlog import checkpoint, keys
from incidents.tlog import signature as spelling
from incidents.tlog.keys import COSIGNATURE_V1, ED25519, KeyFormatError, Signer, VerifierKey
from incidents.tlog.signature import NoteError, Signature

__all__ = ["Note", "NoteError", "Signature", "opened", "parse", "signed"]

MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100

_Known = dict[tuple[str, bytes], VerifierKey]


@dataclass(frozen=True, slots=True)
class Note:
    """A text, the newline at its end included, and its signatures in their order."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)

    def __bytes__(self) -> bytes:
        return str(self).encode()


def parse(data: bytes | str) -> Note:
    """The note that stands there; whether it is true, `opened` says.

    Raises:
        NoteError: for anything that would be written in another way, for more than 1 MB or 100
            signatures, and for the same signature twice.
    """
    written = _decoded(data)
    # The text may have empty lines of its own: the last one in the note is the end of it.
    end = written.rfind("\n\n")
    if end < 0:
        raise NoteError(detail="no empty line parts its text from its signatures")
    text, lines = written[: end + 1], written[end + 2 :]
    if not lines.endswith("\n"):
        raise NoteError(detail="its last line is cut off" if lines else "it has no signature")
    _check_text(text)
    return Note(text, _signatures(lines.removesuffix("\n").split("\n")))


def signed(text: str, *by: Signer) -> Note:
    """The text with the signature of each key, in that order.

    Raises:
        NoteError: if no note can have this text.
        KeyFormatError: for a witness's key, which signs by `cosignature.cosign` alone.
    """
    _check_text(text)
    return Note(text, tuple(_sign(text, key) for key in by))


def opened(note: Note, known: Iterable[VerifierKey]) -> list[VerifierKey]:
    """The keys among `known` that have signed the note, in the order of their signatures.

    Signatures of other keys are passed over. A witness's is taken as the cosignature that it is.

    Raises:
        NoteError: if a known key's signature is wrong or stands there twice, or if there is none.
    """
    by_id = _by_id(known)
    verified: list[VerifierKey] = []
    for signature in note.signatures:
        key = by_id.get((signature.name, signature.key_hash))
        if key is None:
            continue
        if key in verified:
            raise NoteError(detail=f"it is signed twice by {key}")
        if not _is_signed(note.text, key, signature.blob):
            raise NoteError(detail=f"the signature of {key} is wrong")
        verified.append(key)
    if not verified:
        raise NoteError(detail="none of the keys that are known has signed it")
    return verified


def _decoded(data: bytes | str) -> str:
    try:
        written = data.encode() if isinstance(data, str) else data
        text = written.decode()
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise NoteError(detail=f"it is not UTF-8 at byte {error.start}") from error
    if len(written) > MAX_BYTES:
        raise NoteError(detail=f"it has more than {MAX_BYTES:,} bytes")
    return text


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError(detail="its text does not end with a newline")
    if not spelling.is_utf8(text) or len(text.encode()) > MAX_BYTES:
        raise NoteError(detail=f"its text is not UTF-8 of at most {MAX_BYTES:,} bytes")
    for character in text:
        if character < " " and character != "\n":
            raise NoteError(detail=f"its text has a control character, {character!r}")


def _signatures(lines: list[str]) -> tuple[Signature, ...]:
    if len(lines) > MAX_SIGNATURES:
        raise NoteError(detail=f"it has more than {MAX_SIGNATURES} signatures")
    signatures = tuple(map(Signature.parse, lines))
    if len(set(signatures)) < len(signatures):
        raise NoteError(detail="the same signature stands there twice")
    return signatures


def _sign(text: str, key: Signer) -> Signature:
    verifier = key.verifier
    if verifier.algorithm != ED25519:
        raise KeyFormatError(given=repr(str(verifier)), detail="a witness's key signs no note")
    return Signature(verifier.name, verifier.key_hash, key.sign(text.encode()))


def _is_signed(text: str, key: VerifierKey, blob: bytes) -> bool:
    if key.algorithm == COSIGNATURE_V1:
        return checkpoint.verify(key, text, blob)
    return keys.verify(key, text.encode(), blob)


def _by_id(known: Iterable[VerifierKey]) -> _Known:
    by_id: _Known = {}
    for key in known:
        if by_id.setdefault((key.name, key.key_hash), key) != key:
            raise NoteError(detail=f"two of the keys that are known have the id of {key}")
    return by_id
