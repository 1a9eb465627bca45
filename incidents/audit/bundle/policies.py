"""The bundle's policies: the text of each one that an entry names is there, and no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path

from incidents.audit.flaw import Flaw
from incidents.audit.proof.bundle_manifest import Manifest, read_file
from incidents.audit.replay.fold import said
from incidents.machine import policy
from incidents.machine.policy import Policy, PolicyError

_HASH = "sha256:"


def read(folder: Path, manifest: Manifest) -> tuple[dict[str, Policy], list[Flaw]]:
    """The policies by digest, and what is wrong with their files.

    A policy is written in one way alone, so that no byte of it can be another.
    """
    found, flaws = {}, []
    for name in manifest.under("policies"):
        digest = _HASH + Path(name).stem
        try:
            text = read_file(folder, name).decode()
            given = policy.read(text)
        except (UnicodeDecodeError, PolicyError) as error:
            flaws.append(_flaw(name, f"it is no policy: {said(error)}"))
            continue
        if given.digest != digest:
            flaws.append(_flaw(name, f"what it says is the policy {given.digest}"))
        elif given.toml() != text:
            flaws.append(_flaw(name, "it is not written as the desk writes a policy"))
        else:
            found[digest] = given
    return found, flaws


def flaws(
    there: Mapping[str, Policy], named: AbstractSet[str], left: AbstractSet[str]
) -> Iterator[Flaw]:
    """Which are missing of those that entries name, and which are there and never named; `left`
    are those that entries have called the one before."""
    for digest in sorted(named - there.keys()):
        yield _flaw(_file(digest), "an entry names this policy, and it is not there")
    for digest in sorted(there.keys() - named - left):
        yield _flaw(_file(digest), "no entry names this policy")


def _file(digest: str) -> str:
    return f"policies/{digest.removeprefix(_HASH)[:64]}.toml"


def _flaw(where: str, what: str) -> Flaw:
    return Flaw(part="policy", where=where, what=what)
