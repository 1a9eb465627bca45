"""The verifying: `audit verify` on a bundle, asked in the way that the one-file verifier is."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from incidents.audit.proof import bundle_verification, signed_check
from incidents.audit.proof.verdict import VerifyOptions
from incidents.errors import VerificationError
from incidents.tlog.keys import VerifierKey

PYTHONS = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception)\b|Expecting |Extra data|Invalid |invalid literal|codec can"
    r"|recursion|digits\(\)|unhashable|subscriptable|' object|must be str|unpack|checksum"
)
"""Python's own messages about unreadable input, which change from release to release."""


def plain(found: list[str]) -> list[str]:
    """Return the findings, after a check that they are in the program's own words."""
    assert not [each for each in found if PYTHONS.search(each)], found
    return found


class Verifier(Protocol):
    """List the errors in the bundle in a folder, as sentences."""

    def __call__(
        self,
        folder: Path,
        *,
        keys: Iterable[str] = (),
        witnesses: Iterable[str] = (),
        held: Iterable[bytes] = (),
    ) -> list[str]:
        """`keys` and `witnesses` are verifier keys, `held` are notes."""
        ...


def asking(
    keys: Iterable[str] = (),
    witnesses: Iterable[str] = (),
    held: Iterable[bytes] = (),
    *,
    policy: bool = False,
) -> VerifyOptions:
    """What is known already; nothing is decided again unless `policy` is asked for."""
    return VerifyOptions(
        keys=tuple(map(VerifierKey.parse, keys)),
        witnesses=tuple(map(VerifierKey.parse, witnesses)),
        held=tuple(signed_check.read(note, "held") for note in held),
        policy=policy,
    )


def wrong(
    folder: Path,
    *,
    keys: Iterable[str] = (),
    witnesses: Iterable[str] = (),
    held: Iterable[bytes] = (),
    policy: bool = False,
) -> list[str]:
    """The errors that `audit verify` finds in the bundle in that folder."""
    try:
        asked = asking(keys, witnesses, held, policy=policy)
        return plain(list(map(str, bundle_verification.bundle(folder, asked).findings)))
    except VerificationError as error:
        return plain([error.message])
