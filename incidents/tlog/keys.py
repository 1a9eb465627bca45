"""The keys of signed notes and their signatures: Ed25519, in the format of C2SP signed-note.

A verifier key is `<name>+<key id>+<base64 of algorithm and public key>`, with the key id in eight
hexadecimal digits. A signing key has the seed in place of the public key, and starts with
`PRIVATE+KEY+`. No error or representation ever shows a private key.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import NoReturn, Protocol

from incidents.errors import Cause, IncidentsError, VerificationError
from incidents.tlog import encoding

_PREFIX = "— "
_HASH_BYTES = 4


def is_key_name(text: str) -> bool:
    """Whether `text` can name a key: not empty, no Unicode space, no plus (C2SP signed-note)."""
    return (
        text != ""
        and encoding.is_utf8(text)
        and not any(c.isspace() or c < " " or c == "+" for c in text)
    )


class NoteError(VerificationError):
    """Not a trusted signed note: {detail}"""


@dataclass(frozen=True, slots=True)
class Signature:
    """The signature by the key with that name and id (4 bytes); `blob` is the rest of the line."""

    name: str
    key_hash: bytes
    blob: bytes

    @classmethod
    def parse(cls, line: str) -> Signature:
        """Parse a signature written by `str`, without the newline.

        Raises:
            NoteError: for any other line.
        """
        name, _, encoded = line.removeprefix(_PREFIX).partition(" ")
        if not line.startswith(_PREFIX) or not is_key_name(name):
            wanted = "a signature is wanted, not {line!r}"
            raise NoteError(detail=Cause.of("note_no_such_line", wanted, line=line[:200]))
        try:
            data = encoding.from_base64(encoded)
        except ValueError as error:
            raise NoteError(
                detail=Cause.of(
                    "signature_unreadable",
                    "the signature of {name!r} cannot be read, {why}",
                    name=name,
                    why=str(error),
                )
            ) from error
        if len(data) <= _HASH_BYTES:
            cut_off = "the signature of {name!r} is cut off"
            raise NoteError(detail=Cause.of("note_signature_cut_off", cut_off, name=name))
        return cls(name, data[:_HASH_BYTES], data[_HASH_BYTES:])

    def is_by(self, key: VerifierKey) -> bool:
        """Whether the signature names that key; `note.verified_keys` checks who made it."""
        return (self.name, self.key_hash) == (key.name, key.key_hash)

    def __str__(self) -> str:
        return f"{_PREFIX}{self.name} {encoding.base64_of(self.key_hash + self.blob)}"


ED25519 = 0x01
"""Ed25519 over the text of the note."""

COSIGNATURE_V1 = 0x04
"""Ed25519 over a witness's statement, with its time (C2SP tlog-cosignature)."""

KEY_BYTES = 32
SIGNATURE_BYTES = 64
PRIVATE = "PRIVATE+KEY+"

_HASH = re.compile(r"[0-9a-f]{8}", re.ASCII)


class KeyFormatError(IncidentsError):
    """{given} is not a usable key: {detail}"""


class Signer(Protocol):
    """A key in memory, or a command that signs with a key."""

    @property
    def verifier(self) -> VerifierKey:
        """The key with which others verify signatures."""

    def sign(self, message: bytes) -> bytes:
        """Sign `message`, and return the 64 bytes of the Ed25519 signature (RFC 8032)."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name; `public` is 32 bytes."""

    name: str
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        if not is_key_name(self.name):
            detail = Cause.of("key_name", "a key's name is not empty, and has no space and no plus")
            raise KeyFormatError(given=repr(self.name), detail=detail)
        if self.algorithm not in (ED25519, COSIGNATURE_V1):
            detail = Cause.of(
                "key_algorithm",
                "its algorithm is 0x{algorithm:02x}, and 0x01 and 0x04 are known",
                algorithm=self.algorithm,
            )
            raise KeyFormatError(
                given=Cause.of("key_named", "the key {name!r}", name=self.name), detail=detail
            )
        if len(self.public) != KEY_BYTES:
            detail = Cause.of(
                "bytes_not",
                "it has {length} bytes, not {needed}",
                length=len(self.public),
                needed=KEY_BYTES,
            )
            raise KeyFormatError(
                given=Cause.of("key_named", "the key {name!r}", name=self.name), detail=detail
            )

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Parse a key written by `str`.

        Raises:
            KeyFormatError: for any other text; the error does not repeat a private key.
        """
        if PRIVATE in text:
            detail = Cause.of(
                "key_private",
                "it is private, and a verifier key is wanted: <name>+<key id>+<base64>",
            )
            raise KeyFormatError(given=Cause.of("what_is_given", "what is given"), detail=detail)
        shown = f"the key {text.partition('+')[0][:100]!r}"
        try:
            name, key_hash, algorithm, public = _parts(text)
            key = cls(name, algorithm, public)
            _check_hash(key, key_hash)
        except ValueError as error:
            raise KeyFormatError(given=shown, detail=str(error)) from error
        return key

    @property
    def key_hash(self) -> bytes:
        """The key id: 4 bytes of SHA-256(name, newline, algorithm, public key)."""
        hashed = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return hashlib.sha256(hashed).digest()[:4]

    def __str__(self) -> str:
        return _text(self, self.public)


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key, held in memory, with its verifier key."""

    verifier: VerifierKey
    _seed: bytes = field(compare=False)

    @classmethod
    def generate(cls, name: str, algorithm: int = ED25519) -> SigningKey:
        """Make a new key from the system's randomness.

        Raises:
            KeyFormatError: if `name` or `algorithm` is not valid.
        """
        import secrets

        return _from_seed(name, algorithm, secrets.token_bytes(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Parse a key written by `private_text`, ignoring white space around it in a file.

        Raises:
            KeyFormatError: for any other text, which the error does not repeat.
        """
        try:
            name, key_hash, algorithm, seed = _private_parts(text.strip())
            key = _from_seed(name, algorithm, seed)
            _check_hash(key.verifier, key_hash)
        except ValueError as error:
            raise KeyFormatError(
                given=Cause.of("the_private_key", "the private key"), detail=str(error)
            ) from None
        except KeyFormatError as error:
            # If the text is cut elsewhere, the apparent name may be part of the private key.
            detail = error.facts["detail"]
            raise KeyFormatError(
                given=Cause.of("the_private_key", "the private key"), detail=detail
            ) from None
        return key

    def private_text(self) -> str:
        """The key in Go's format. This text is the private key itself."""
        return PRIVATE + _text(self.verifier, self._seed)

    def sign(self, message: bytes) -> bytes:
        """Sign `message`, and return the Ed25519 signature, 64 bytes (RFC 8032)."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return Ed25519PrivateKey.from_private_bytes(self._seed).sign(message)

    def __repr__(self) -> str:
        return f"SigningKey({str(self.verifier)!r}, private)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key is not copied or pickled")


def verify(key: VerifierKey, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the key's Ed25519 signature of exactly these bytes.

    A cosignature also signs its time: check it by `note.verify_cosignature`.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if len(signature) != SIGNATURE_BYTES:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _from_seed(name: str, algorithm: int, seed: bytes) -> SigningKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if len(seed) != KEY_BYTES:
        raise ValueError(f"it has {len(seed)} bytes, not {KEY_BYTES}")
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    return SigningKey(VerifierKey(name, algorithm, public), seed)


def _parts(text: str) -> tuple[str, bytes, int, bytes]:
    """The name, the key id, the algorithm and the key itself."""
    name, _, rest = text.partition("+")
    key_hash, _, encoded = rest.partition("+")
    if _HASH.fullmatch(key_hash) is None:
        raise ValueError("its key id is not eight hexadecimal digits")
    data = encoding.from_base64(encoded)
    if not data:
        raise ValueError("it is cut off")
    return name, bytes.fromhex(key_hash), data[0], data[1:]


def _private_parts(text: str) -> tuple[str, bytes, int, bytes]:
    if not text.startswith(PRIVATE):
        raise ValueError(f"it does not begin with {PRIVATE}")
    return _parts(text.removeprefix(PRIVATE))


def _check_hash(key: VerifierKey, key_hash: bytes) -> None:
    if key.key_hash != key_hash:
        detail = Cause.of(
            "key_id_differs",
            "its key id is {said}, and of what it holds it is {own}",
            said=key_hash.hex(),
            own=key.key_hash.hex(),
        )
        raise ValueError(detail)


def _text(key: VerifierKey, data: bytes) -> str:
    encoded = encoding.base64_of(bytes([key.algorithm]) + data)
    return f"{key.name}+{key.key_hash.hex()}+{encoded}"
