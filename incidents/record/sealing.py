"""The sealing of people's text: stored separately, and represented by a salted commitment.

`ref = "sha256:" + hex(SHA-256(salt + UTF-8 of the value))`, with 32 random bytes of salt. Once the
value and its salt are erased, nobody can tell what the reference stood for, and no proof is broken.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import datetime
from functools import cache
from typing import TypeVar

from incidents.contract import action
from incidents.machine import commands as c
from incidents.machine import filing
from incidents.machine.commands import Command

SALT_BYTES = 32

# Where entries hold references; a `digest`, a `policy` and a `previous` look alike and are none.
_WORDS = ("email", "evidence", "name", "note", "person", "phone", "text")
_NAMES = "|".join((*_WORDS, *filing.SEALED_FIELDS, rf"{re.escape(filing.SERVER)}[a-z0-9-]+"))
_REFERENCE = re.compile(rf'"(?:{_NAMES})":"(sha256:[0-9a-f]{{64}})"')

Sealed = tuple[str, bytes, str]
"""The reference, the salt, and the value."""

AnyCommand = TypeVar("AnyCommand", bound=Command)


def seal(value: str) -> Sealed:
    """Seal `value` under a new salt."""
    salt = secrets.token_bytes(SALT_BYTES)
    return commitment(salt, value), salt, value


def commitment(salt: bytes, value: str) -> str:
    """The reference that represents `value` under that salt."""
    return "sha256:" + hashlib.sha256(salt + value.encode()).hexdigest()


def references(body: str) -> list[str]:
    """The references to sealed values in a stored entry."""
    return _REFERENCE.findall(body)


def seal_command(command: AnyCommand) -> tuple[AnyCommand, list[Sealed]]:
    """The command with references in place of people's text, and the sealed values."""
    if isinstance(command, c.ChangeFiling):
        filed, own = _seal_filing(command)
        return filed, own  # type: ignore[return-value]  # it is that kind of command
    sealed = {
        name: seal(value)
        for name in action.personal_fields(type(command))
        if (value := getattr(command, name)) is not None
    }
    if not sealed:
        return command, []
    return replace(command, **{name: s[0] for name, s in sealed.items()}), list(sealed.values())


def _seal_filing(command: c.ChangeFiling) -> tuple[c.ChangeFiling, list[Sealed]]:
    own = [seal(text) for key, text in command.details if text and filing.is_sealed(key)]
    refs = iter(own)
    details = tuple(
        (key, next(refs)[0] if text and filing.is_sealed(key) else text)
        for key, text in command.details
    )
    return replace(command, details=details), own


def texts(command: Command) -> Iterator[tuple[str, str, bool]]:
    """All text of a command as given: the field, the value, and whether it is personal."""
    if isinstance(command, c.ChangeFiling):
        for key, text in command.details:
            yield "detail", key, False
            yield key, text, filing.is_sealed(key)
        for key, name, text in command.parts:
            yield "detail", key, False
            yield "detail", name, False
            yield key, text, filing.is_sealed(key)
        yield "by", command.by, False
        return
    personal = action.personal_fields(type(command))
    for name in _names(command):
        value = getattr(command, name)
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str):
                yield name, text, name in personal


def fingerprint(site: str, command: Command) -> str:
    """A salted digest of a request and its site, including people's text.

    The digest does not depend on what the caller has seen meanwhile.
    """
    return digest_of(_asked(site, command))


def is_fingerprint_of(kept: str, site: str, command: Command) -> bool:
    """Whether `kept` was made from the same command to the same site."""
    return is_digest_of(kept, _asked(site, command))


def digest_of(asked: str, salt: str | None = None) -> str:
    """A digest of a request, preceded by the salt under which it was made.

    Without a salt the digest could be tested against every possible phone number.
    """
    salt = secrets.token_hex(16) if salt is None else salt
    return f"{salt}:{hashlib.sha256((salt + asked).encode(errors='surrogatepass')).hexdigest()}"


def is_digest_of(kept: str, asked: str) -> bool:
    """Whether `kept` is a digest of the same request."""
    return secrets.compare_digest(kept, digest_of(asked, kept.partition(":")[0]))


def _asked(site: str, command: Command) -> str:
    seen = action.seen_fields(type(command))
    asked = (name for name in _names(command) if name not in seen)
    fields_ = {name: getattr(command, name) for name in asked}
    given = [site, type(command).__name__, fields_]
    return json.dumps(given, sort_keys=True, default=datetime.isoformat)


def _names(command: Command) -> tuple[str, ...]:
    return _names_of(type(command))  # type: ignore[arg-type]  # a class can be hashed


@cache
def _names_of(kind: type[Command]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))
