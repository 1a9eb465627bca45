"""The signing key: in a file that only its owner can read, or behind a command that signs."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from incidents.errors import Cause, IncidentsError, RefusedError
from incidents.system import disk, private_file
from incidents.tlog import encoding, keys
from incidents.tlog.keys import KeyFormatError, Signer, SigningKey, VerifierKey

COMMAND_TIMEOUT_S = 20.0
KEY_VARIABLE = "INCIDENTS_AUDIT_SIGN_AS"
"""The environment variable that tells a command which key to sign with (C2SP signed-note)."""

NEXT_SUFFIX = ".next"
RETIRED_SUFFIX = ".retired-"

_SHOWN = 200


class SigningKeyError(IncidentsError):
    """the log's private key cannot be used: {detail}"""


class CommandKey:
    """A key that a command uses to sign.

    The command reads the message on standard input, and writes the 64 bytes of the signature in
    base64.
    """

    def __init__(self, argv: Sequence[str], verifier: VerifierKey) -> None:
        self._argv = list(argv)
        self.verifier = verifier

    def sign(self, message: bytes) -> bytes:
        """Sign the message and check the signature; wait at most 20 s for the command.

        Raises:
            SigningKeyError: if the command fails, or signs with another key.
        """
        signature = self._answer(message)
        if not keys.verify(self.verifier, message, signature):
            detail = Cause.of(
                "command_no_signature",
                "the output of {command!r} is not a signature of {verifier}",
                command=self._argv[0],
                verifier=self.verifier,
            )
            raise SigningKeyError(detail=detail)
        return signature

    def _answer(self, message: bytes) -> bytes:
        try:
            done = subprocess.run(  # noqa: PLW1510 - its status is handled below
                self._argv,
                input=message,
                capture_output=True,
                timeout=COMMAND_TIMEOUT_S,
                env={**os.environ, KEY_VARIABLE: str(self.verifier)},
            )
        except subprocess.TimeoutExpired as error:
            detail = Cause.of(
                "command_too_slow",
                "{command!r} did not answer within {within_s:.0f} s",
                command=self._argv[0],
                within_s=COMMAND_TIMEOUT_S,
            )
            raise SigningKeyError(detail=detail) from error
        except OSError as error:
            detail = Cause.of(
                "command_cannot_run",
                "{command!r} cannot be run ({why})",
                command=self._argv[0],
                why=error.strerror,
            )
            raise SigningKeyError(detail=detail) from error
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[:_SHOWN]
            detail = Cause.of(
                "command_failed",
                "{command!r} ended with {status}: {said}",
                command=self._argv[0],
                status=done.returncode,
                said=said,
            )
            raise SigningKeyError(detail=detail)
        try:
            return encoding.from_base64(done.stdout.decode("ascii", "replace").strip())
        except ValueError as error:
            detail = Cause.of(
                "command_no_base64",
                "the output of {command!r} is not base64",
                command=self._argv[0],
            )
            raise SigningKeyError(detail=detail) from error


class KeyRing:
    """The keys with which this process can sign: in the key file and its successor, or a command's.

    The files are read each time, because a key can be replaced at any moment.
    """

    def __init__(self, file: Path, command: Sequence[str] | None = None) -> None:
        self.file = file
        self._command = command

    @property
    def successor(self) -> Path:
        """The file of the next key, until the active key has handed over to it."""
        return self.file.with_name(self.file.name + NEXT_SUFFIX)

    @property
    def is_command(self) -> bool:
        """Whether a command makes the signatures."""
        return self._command is not None

    def signer(self, key: str) -> Signer | None:
        """Return the signer with this key; None if this process does not have the key.

        Raises:
            SigningKeyError: if the file that may hold the key cannot be used.
        """
        if self._command is not None:
            return CommandKey(self._command, VerifierKey.parse(key))
        for file in (self.file, self.successor):
            found = read(file)
            if found is not None and str(found.verifier) == key:
                return found
        return None


def read(file: Path) -> SigningKey | None:
    """Read the key in that file; None if there is no such file.

    Raises:
        SigningKeyError: if others can read the file, or the file holds no key.
    """
    try:
        return SigningKey.parse(private_file.read(file).decode())
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise SigningKeyError(
            detail=Cause.of("file_unreadable", "{file} cannot be read ({why})", file=file, why=why)
        ) from error
    except KeyFormatError as error:
        raise SigningKeyError(
            detail=Cause.of("file_says", "{file}: {message}", file=file, message=error.message)
        ) from error


def make(file: Path, name: str, *, after: Path | None = None) -> SigningKey:
    """Create a key called `name` in a new file, which only its owner can read.

    The file is written atomically. Its owner is the owner of the previous key's file (`after`), or
    of the folder.

    Raises:
        RefusedError: if the file exists; a key is never overwritten.
        FileError: if the file cannot be written.
        KeyFormatError: if the name is not allowed.
    """
    key = SigningKey.generate(name)
    with disk.file_errors(file, "written"):
        try:
            owner = disk.owner_beside(after or file)
            private_file.create(file, f"{key.private_text()}\n", owner)
        except FileExistsError as error:
            sentence = "{file} already exists, and a key is never overwritten"
            raise RefusedError.coded("key_exists", sentence, file=file) from error
    return key


def replace(ring: KeyRing) -> Path | None:
    """Replace the last key with the next key; return the new path of the last key, if any.

    Raises:
        FileError: if a file cannot be renamed.
    """
    last = read(ring.file)
    with disk.file_errors(ring.file, "replaced"):
        retired = None
        if last is not None:
            retired = retired_name(ring.file, last.verifier)
            ring.file.rename(retired)
        ring.successor.rename(ring.file)
        disk.fsync_path(ring.file.parent)
    return retired


def retire(ring: KeyRing, following: VerifierKey) -> None:
    """Rename the file of the next key, which is not to sign here, to the name of a retired key.

    Raises:
        FileError: if the file cannot be renamed.
    """
    with disk.file_errors(ring.successor, "replaced"):
        ring.successor.rename(retired_name(ring.file, following))
        disk.fsync_path(ring.file.parent)


def retired_name(file: Path, key: VerifierKey) -> Path:
    """The path for a retired key: the path of the key file, with the key's id."""
    return file.with_name(f"{file.name}{RETIRED_SUFFIX}{key.key_hash.hex()}")
