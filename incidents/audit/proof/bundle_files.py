"""The files of a bundle, compared with its manifest, and the policies among the files."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents.audit.facts import Flaw
from incidents.audit.fold import describe
from incidents.errors import Cause, VerificationError
from incidents.machine import policy
from incidents.machine.policy import Policy, PolicyError
from incidents.record.entry import json_cause
from incidents.store.schema.types import canonical
from incidents.tlog.encoding import from_decimal
from incidents.tlog.tiles import entries_path, path, tiles_of
from incidents.values.parsing import MisreadError

FORMAT = "incidents-bundle/1"
MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint"
KEYS = "log.vkey"
WITNESSES = "witnesses.vkey"
ENTRIES = "entries.jsonl"
REPORT = "report.html"

MOST_BYTES = 1_000_000
"""The maximum size in bytes of a file that is read at once: checkpoint, proof, policy, keys."""

_MOST_IN_MANIFEST = 1 << 30
_FIELDS = ["entries", "files", "format", "size", "whole"]
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_OF_ALL = re.compile(
    r"checkpoint|log\.vkey|witnesses\.vkey|entries\.jsonl|handovers/[0-9]{3}"
    r"|policies/[0-9a-f]{64}\.toml|stamps/[0-9A-Za-z_-]{1,80}\.tsr",
    re.ASCII,
)
_OF_PART = re.compile(r"proofs/(0|[1-9][0-9]{0,18})\.tlog-proof|report\.html", re.ASCII)


class NoBundleError(VerificationError):
    """{file}: {detail}; nothing in the bundle was proved"""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The parsed manifest; `size` is the size of the log's tree."""

    digests: dict[str, str]
    size: int
    entries: int
    whole: bool

    def under(self, folder: str) -> list[str]:
        """The files in a folder of the bundle, sorted by name."""
        return sorted(file for file in self.digests if file.startswith(f"{folder}/"))


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest in a bundle's folder, and check that it lists exactly the folder's files.

    Raises:
        NoBundleError: naming the wrong file.
    """
    there = set(_plain_files(folder))
    if MANIFEST not in there:
        raise NoBundleError(
            file=folder.name or str(folder),
            detail=Cause.of("bundle_lacks", "it has no {name}", name=MANIFEST),
        )
    manifest = _manifest(read_file(folder, MANIFEST, _MOST_IN_MANIFEST))
    for file in sorted(there ^ {MANIFEST, *manifest.digests}):
        detail = (
            Cause.of("not_in_manifest", "it is not listed in the manifest")
            if file in there
            else Cause.of("missing", "it is missing")
        )
        raise NoBundleError(file=shown(file), detail=detail)
    for file in sorted(set(manifest.digests) ^ _expected(manifest)):
        listed = file in manifest.digests
        detail = (
            Cause.of("no_such_file_in_bundle", "no such file belongs in this bundle")
            if listed
            else Cause.of("missing", "it is missing")
        )
        raise NoBundleError(file=shown(file), detail=detail)
    return manifest


def read_file(folder: Path, name: str, most: int = MOST_BYTES) -> bytes:
    """Read the content of one file of the bundle.

    Raises:
        NoBundleError: if the file cannot be read, or is larger than `most` bytes.
    """
    try:
        with (folder / name).open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise NoBundleError(file=name, detail=str(error.strerror)) from error
    if len(data) > most:
        raise NoBundleError(
            file=name, detail=Cause.of("over_bytes", "it has more than {limit:,} bytes", limit=most)
        )
    return data


def shown(name: str) -> str:
    """Make the name of a file, which somebody else chose, printable for a sentence."""
    return name if len(name) < 100 and name.isprintable() else ascii(name)[:100]


def _manifest(data: bytes) -> Manifest:
    try:
        text = data.decode()
        found = json.loads(text)
        if f"{canonical(found)}\n" != text:
            raise MisreadError("it is not one line of RFC 8785")
        return _read(found)
    except (ValueError, RecursionError) as error:
        why = json_cause(error)
        detail = why[:200] if isinstance(error, MisreadError) else f"it is no JSON: {why}"
        raise NoBundleError(file=MANIFEST, detail=detail) from error


def _read(found: Any) -> Manifest:
    if not isinstance(found, dict) or list(found) != _FIELDS:
        raise MisreadError(f"its fields are not {', '.join(_FIELDS)}")
    if found["format"] != FORMAT:
        what = f"its format is {found['format']!r}, and {FORMAT!r} is what is read here"
        raise MisreadError(what)
    files, whole = found["files"], found["whole"]
    if not isinstance(files, dict) or not isinstance(whole, bool):
        raise MisreadError("files is no object, or whole neither true nor false")
    for digest in files.values():
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            raise MisreadError(f"{str(digest)[:80]!r} is no SHA-256")
    return Manifest(files, _number(found["size"]), _number(found["entries"]), whole)


def _number(text: Any) -> int:
    try:
        return from_decimal(text)
    except (TypeError, ValueError) as error:
        shown = text[:80] if isinstance(text, str) else text
        raise MisreadError(f"{shown!r} is not a number as it is written there") from error


def _expected(manifest: Manifest) -> set[str]:
    """The files that a bundle with that manifest must have, and its listed optional files."""
    known = {name for name in manifest.digests if _OF_ALL.fullmatch(name)}
    known |= {CHECKPOINT, KEYS, ENTRIES}
    if not manifest.whole:
        return known | {name for name in manifest.digests if _OF_PART.fullmatch(name)}
    # Do not count up to a size that the list of files cannot have.
    if manifest.size > len(manifest.digests) * 256:
        raise NoBundleError(
            file=MANIFEST,
            detail=Cause.of(
                "tiles_incomplete", "of {size} entries it has not all tiles", size=manifest.size
            ),
        )
    for tile in tiles_of(manifest.size):
        known.add(path(tile))
        if tile.level == 0:
            known.add(entries_path(tile.n, tile.width))
    return known


def _plain_files(folder: Path) -> Iterator[str]:
    """List the files below a folder, which must contain nothing but files and folders."""
    try:
        for base, folders, names in os.walk(folder, onerror=_refuse):
            for name in (*folders, *names):
                mode = os.lstat(os.path.join(base, name)).st_mode  # noqa: PTH118 - many files
                if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                    raise NoBundleError(
                        file=shown(name), detail=Cause.of("no_plain_file", "it is not a plain file")
                    )
            below = os.path.relpath(base, folder)
            prefix = "" if below == "." else f"{below}/"
            yield from (prefix + name for name in names)
    except OSError as error:
        raise NoBundleError(file=shown(str(folder)), detail=str(error.strerror)) from error


def _refuse(error: OSError) -> None:
    raise error


_HASH = "sha256:"


def read_policies(folder: Path, manifest: Manifest) -> tuple[dict[str, Policy], list[Flaw]]:
    """Read the policies by digest, and find the flaws of their files.

    Each policy has exactly one valid text, so that nobody can change a byte of it.
    """
    found, flaws = {}, []
    for name in manifest.under("policies"):
        digest = _HASH + Path(name).stem
        try:
            text = read_file(folder, name).decode()
            given = policy.read(text)
        except (UnicodeDecodeError, PolicyError) as error:
            what = Cause.of("flaw_no_policy", "it is not a policy: {why}", why=describe(error))
            flaws.append(_policy_flaw(name, what))
            continue
        if given.digest != digest:
            other = "what it says is the policy {digest}"
            what = Cause.of("flaw_policy_file", other, digest=given.digest)
            flaws.append(_policy_flaw(name, what))
        elif given.toml() != text:
            otherwise = "it is not written as the desk writes a policy"
            flaws.append(_policy_flaw(name, Cause.of("flaw_policy_written", otherwise)))
        else:
            found[digest] = given
    return found, flaws


def policy_flaws(
    there: Mapping[str, Policy], named: AbstractSet[str], left: AbstractSet[str]
) -> Iterator[Flaw]:
    """Find the missing policies that entries name, and the policies that no entry names.

    `left`: the policies that an entry about an activation names as the previous policy.
    """
    for digest in sorted(named - there.keys()):
        gone = Cause.of("flaw_policy_gone", "an entry names this policy, and it is not there")
        yield _policy_flaw(_policy_file(digest), gone)
    for digest in sorted(there.keys() - named - left):
        unnamed = Cause.of("flaw_policy_unnamed", "no entry names this policy")
        yield _policy_flaw(_policy_file(digest), unnamed)


def _policy_file(digest: str) -> str:
    return f"policies/{digest.removeprefix(_HASH)[:64]}.toml"


def _policy_flaw(where: str, what: str) -> Flaw:
    return Flaw(part="policy", where=where, what=what)
