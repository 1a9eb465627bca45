"""The signed note, and the checkpoint that a log and its witnesses sign as a note (C2SP).

A note is a text, an empty line, and its signatures, byte for byte in the format of Go's
`sumdb/note`. The text ends with a newline and is UTF-8 without control characters; each signature
is on a separate line.

A checkpoint is such a text with origin, size and root. It commits the log to all its entries: to
anybody who has a checkpoint of size N, the log can prove that each larger checkpoint begins with
the same N entries.

A witness's cosignature says: "As of this time, the largest consistent tree that I have seen of the
log of this origin has this root." The message is two lines, then the text of the checkpoint; the
signature is the time in eight bytes, then 64 bytes of Ed25519. It states nothing about extensions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from incidents.errors import Cause, VerificationError
from incidents.tlog import encoding, keys
from incidents.tlog.keys import (
    COSIGNATURE_V1,
    ED25519,
    KeyFormatError,
    NoteError,
    Signature,
    Signer,
    VerifierKey,
)

ROOT_BYTES = 32


class CheckpointError(VerificationError):
    """Not a checkpoint: {detail}"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tree of `size` entries (at least 0) of the log `origin`; `root` is 32 bytes.

    `extensions`: further lines, about which the log and its witnesses state nothing.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= encoding.MAX_NUMBER:
            size = Cause.of("checkpoint_size", "its size is {size}", size=self.size)
            raise CheckpointError(detail=size)
        if len(self.root) != ROOT_BYTES:
            root = "its root has {n} bytes, not {right}"
            raise CheckpointError(
                detail=Cause.of("checkpoint_root", root, n=len(self.root), right=ROOT_BYTES)
            )
        for line in (self.origin, *self.extensions):
            if line == "" or not encoding.is_utf8(line) or any(c < " " for c in line):
                none = "{line!r} is no line of it"
                raise CheckpointError(detail=Cause.of("checkpoint_line", none, line=line))

    @property
    def text(self) -> str:
        """The text to sign, including the final newline."""
        lines = (self.origin, str(self.size), encoding.base64_of(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """Parse a checkpoint written by `Checkpoint.text`.

    Raises:
        CheckpointError: for any text that `Checkpoint.text` would not write.
    """
    if not text.endswith("\n"):
        no_newline = "it does not end with a newline"
        raise CheckpointError(detail=Cause.of("checkpoint_no_newline", no_newline))
    origin, *lines = text.removesuffix("\n").split("\n")
    if len(lines) < 2:
        short = "it has fewer than three lines"
        raise CheckpointError(detail=Cause.of("checkpoint_short", short))
    size, root, *extensions = lines
    try:
        number = encoding.from_decimal(size)
    except ValueError as error:
        raise CheckpointError(
            detail=Cause.of(
                "size_wrong", "its size is {size!r}, {why}", size=size[:40], why=str(error)
            )
        ) from error
    try:
        hashed = encoding.from_base64(root)
    except ValueError as error:
        raise CheckpointError(
            detail=Cause.of(
                "root_wrong", "its root is {root!r}, {why}", root=root[:80], why=str(error)
            )
        ) from error
    return Checkpoint(origin, number, hashed, tuple(extensions))


def checkpoint_of(signed: bytes | str) -> Checkpoint:
    """The checkpoint in a note; its signatures are not checked.

    Raises:
        NoteError, CheckpointError: if the text is not a note, or contains no checkpoint.
    """
    return parse_checkpoint(parse(signed).text)


_TIME_BYTES = 8
_BLOB_BYTES = _TIME_BYTES + keys.SIGNATURE_BYTES


def cosignature_message(checkpoint_text: str, at_unix_s: int) -> bytes:
    """The bytes that a witness signs; `at_unix_s` is in whole seconds since 1970 (UTC)."""
    return f"cosignature/v1\ntime {at_unix_s}\n{checkpoint_text}".encode()


def cosign(key: Signer, checkpoint_text: str, at_unix_s: int) -> Signature:
    """Cosign a checkpoint's text, as of that time.

    Raises:
        KeyFormatError: if the key is not a witness's key.
        ValueError: for a time before 1970, or after 2^63 - 1 seconds.
    """
    if key.verifier.algorithm != COSIGNATURE_V1:
        detail = Cause.of("witness_algorithm", "a witness signs with a key of algorithm 0x04 alone")
        raise KeyFormatError(given=repr(str(key.verifier)), detail=detail)
    if not 0 <= at_unix_s <= encoding.MAX_NUMBER:
        raise ValueError(f"no time of a cosignature: {at_unix_s}")
    signed = key.sign(cosignature_message(checkpoint_text, at_unix_s))
    blob = at_unix_s.to_bytes(_TIME_BYTES, "big") + signed
    return Signature(key.verifier.name, key.verifier.key_hash, blob)


def verify_cosignature(key: VerifierKey, checkpoint_text: str, blob: bytes) -> bool:
    """Whether `blob` is that witness's cosignature of the text, at any time."""
    if len(blob) != _BLOB_BYTES:
        return False
    at, signed = int.from_bytes(blob[:_TIME_BYTES], "big"), blob[_TIME_BYTES:]
    return at <= encoding.MAX_NUMBER and keys.verify(
        key, cosignature_message(checkpoint_text, at), signed
    )


def time_of_cosignature(signature: Signature) -> int:
    """The time in a cosignature by the witness's clock: whole seconds since 1970 (UTC).

    Raises:
        NoteError: if the signature does not have the length of a cosignature.
    """
    if len(signature.blob) != _BLOB_BYTES:
        raise NoteError(
            detail=Cause.of(
                "no_cosignature", "the signature of {name!r} is no cosignature", name=signature.name
            )
        )
    return int.from_bytes(signature.blob[:_TIME_BYTES], "big")


__all__ = ["Note", "NoteError", "Signature", "parse", "sign_note", "verified_keys"]

MAX_BYTES = 1_000_000
MAX_SIGNATURES = 100


@dataclass(frozen=True, slots=True)
class Note:
    """A text, including its final newline, and its signatures in order."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return self.text + "\n" + "".join(f"{signature}\n" for signature in self.signatures)

    def __bytes__(self) -> bytes:
        return str(self).encode()


def parse(data: bytes | str) -> Note:
    """Parse a note; `verified_keys` checks its signatures.

    Raises:
        NoteError: for any text that this program would not write, for more than 1 MB or 100
            signatures, and for the same signature twice.
    """
    written = _decoded(data)
    # The text may hold empty lines: the last one of the note ends it.
    end = written.rfind("\n\n")
    if end < 0:
        raise NoteError(
            detail=Cause.of(
                "note_no_empty_line", "no empty line parts its text from its signatures"
            )
        )
    text, lines = written[: end + 1], written[end + 2 :]
    if not lines.endswith("\n"):
        if lines:
            raise NoteError(detail=Cause.of("note_cut_off", "its last line is cut off"))
        raise NoteError(detail=Cause.of("note_no_signature", "it has no signature"))
    _check_text(text)
    return Note(text, _signatures(lines.removesuffix("\n").split("\n")))


def sign_note(text: str, *by: Signer) -> Note:
    """Sign `text` with each key in that order, and return the note.

    Raises:
        NoteError: if the text is not allowed in a note.
        KeyFormatError: for a witness's key, which can only `cosign`.
    """
    _check_text(text)
    return Note(text, tuple(_sign(text, key) for key in by))


def verified_keys(note: Note, known: Iterable[VerifierKey]) -> list[VerifierKey]:
    """The keys among `known` that have signed the note, in the order of their signatures.

    Signatures by other keys are skipped. A witness's signature is checked as a cosignature.

    Raises:
        NoteError: if a known key's signature is wrong or repeated, or if no known key has signed.
    """
    by_id: dict[tuple[str, bytes], VerifierKey] = {}
    for key in known:
        if by_id.setdefault((key.name, key.key_hash), key) != key:
            two = "two of the keys that are known have the id of {key}"
            raise NoteError(detail=Cause.of("note_same_id", two, key=str(key)))
    verified: list[VerifierKey] = []
    for signature in note.signatures:
        by = by_id.get((signature.name, signature.key_hash))
        if by is None:
            continue
        if by in verified:
            raise NoteError(detail=Cause.of("note_twice", "it is signed twice by {by}", by=str(by)))
        if not _is_signed(note.text, by, signature.blob):
            wrong = "the signature of {by} is wrong"
            raise NoteError(detail=Cause.of("note_wrong_signature", wrong, by=str(by)))
        verified.append(by)
    if not verified:
        none = "none of the keys that are known has signed it"
        raise NoteError(detail=Cause.of("note_unsigned", none))
    return verified


def _decoded(data: bytes | str) -> str:
    try:
        written = data.encode() if isinstance(data, str) else data
        text = written.decode()
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        not_utf8 = "it is not UTF-8 at byte {byte}"
        raise NoteError(detail=Cause.of("note_not_utf8", not_utf8, byte=error.start)) from error
    if len(written) > MAX_BYTES:
        more = "it has more than {most:,} bytes"
        raise NoteError(detail=Cause.of("note_too_long", more, most=MAX_BYTES))
    return text


def _check_text(text: str) -> None:
    if not text.endswith("\n"):
        raise NoteError(detail=Cause.of("note_no_newline", "its text does not end with a newline"))
    if not encoding.is_utf8(text) or len(text.encode()) > MAX_BYTES:
        long = "its text is not UTF-8 of at most {most:,} bytes"
        raise NoteError(detail=Cause.of("note_text", long, most=MAX_BYTES))
    for character in text:
        if character < " " and character != "\n":
            control = "its text has a control character, {character!r}"
            raise NoteError(detail=Cause.of("note_control", control, character=character))


def _signatures(lines: list[str]) -> tuple[Signature, ...]:
    if len(lines) > MAX_SIGNATURES:
        more = "it has more than {most} signatures"
        raise NoteError(detail=Cause.of("note_signatures", more, most=MAX_SIGNATURES))
    signatures = tuple(map(Signature.parse, lines))
    if len(set(signatures)) < len(signatures):
        raise NoteError(detail=Cause.of("note_same_signature", "the same signature appears twice"))
    return signatures


def _sign(text: str, key: Signer) -> Signature:
    verifier = key.verifier
    if verifier.algorithm != ED25519:
        raise KeyFormatError(
            given=repr(str(verifier)),
            detail=Cause.of("witness_signs_no_note", "a witness's key signs no note"),
        )
    return Signature(verifier.name, verifier.key_hash, key.sign(text.encode()))


def _is_signed(text: str, key: VerifierKey, blob: bytes) -> bool:
    if key.algorithm == COSIGNATURE_V1:
        return verify_cosignature(key, text, blob)
    return keys.verify(key, text.encode(), blob)
