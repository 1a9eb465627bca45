"""The bundle: the record or a part of the record, with its complete proof, for offline use.

A bundle contains entries that the last checkpoint covers. The whole record comes with its tiles
(C2SP tlog-tiles); a part comes with a proof for each entry (C2SP tlog-proof). Both come with the
checkpoint, the public keys, and the text of each policy that an entry names. A bundle of one site
also contains the site's case file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Connection, select

from incidents.audit import export
from incidents.audit.export import Numbered, Selection
from incidents.audit.proof import bundle_archive, voucher
from incidents.audit.proof.bundle_archive import NewFiles
from incidents.audit.proof.voucher import NotAsSignedError, Voucher
from incidents.errors import Cause, RefusedError, VerificationError
from incidents.machine import policy
from incidents.record.entry import UnreadableEntryError
from incidents.store.schema import desk_tables
from incidents.tlog import tiles
from incidents.tlog.proof_file import SUFFIX, ProofFile
from incidents.tlog.tiles import WIDTH, Edge, Tile
from incidents.tlog.tree import leaf_hash

_NAMED = re.compile(r'"(?:policy|previous)":"(sha256:[0-9a-f]{64})"')
"""The policies that entries name. Text that people wrote cannot match, because a backslash precedes
each quotation mark in it."""


Report = Callable[[Connection, Voucher, Sequence[Numbered], Mapping[str, str]], str]
"""A function that draws a site's case file from the voucher, the entries in log order, and the
policy texts by digest."""


class NothingCoveredError(RefusedError):
    """no checkpoint covers any entry of this selection{way_out}: nothing was written"""


class PolicyTextError(VerificationError):
    """the text of the policy {digest} is {wrong}. Nothing was written. To find the fault:
    `incidents audit replay`"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The numbers of entries, the log's size, and `broken`: the keys that did not hand over."""

    entries: int
    size: int
    uncovered: int
    broken: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The entries to write, and the function that draws one site's case file, if wanted."""

    wanted: Selection = field(default_factory=Selection)
    report: Report | None = None


def write(
    connection: Connection,
    target: Path,
    order: Order,
    done: Callable[[int], object] = lambda _: None,
) -> Written:
    """Write a new bundle completely or not at all; `done` gets numbers of entries as progress.

    `connection` must see one state of the database. For the whole record, the memory used does not
    depend on the number of entries; for a part, it grows by the digest of each proof.

    Raises:
        InputError: if `target` exists already.
        NothingSignedError, NothingCoveredError: if there is nothing to write.
        VerificationError: if the database differs from the signed log.
        OSError: if the bundle cannot be written.
    """
    bundle_archive.check_target(target)
    vouching = voucher.last_voucher(connection)
    size, wanted = vouching.signed.size, order.wanted
    uncovered = uncovered_of(connection, wanted, size)
    with bundle_archive.new_bundle(target, int(vouching.signed.signed_at.timestamp())) as files:
        _write_voucher(files, vouching)
        if wanted.everything:
            entries = _write_whole(files, connection, vouching, done)
        else:
            entries = _write_part(files, connection, vouching, order, done)
        files.write_manifest(size=size, entries=entries, whole=wanted.everything)
    return Written(entries=entries, size=size, uncovered=uncovered, broken=vouching.broken)


def uncovered_of(connection: Connection, wanted: Selection, size: int) -> int:
    """Count the selected entries that the checkpoint of that size does not cover.

    Raises:
        NothingCoveredError: if the checkpoint covers none of the entries.
    """
    there = export.count_covered(connection, wanted, size)
    uncovered = export.count(connection, wanted) - there
    if there == 0:
        way_out = Cause.of("way_checkpoint", " yet (sign what there is first)") if uncovered else ""
        raise NothingCoveredError(way_out=way_out, uncovered=uncovered)
    return max(0, uncovered)


def policies_of(connection: Connection, digests: set[str]) -> dict[str, str]:
    """Return the texts of the policies with these digests, and check each text against its digest.

    Raises:
        PolicyTextError: if a text is missing, or has another digest.
    """
    found = {}
    for digest in sorted(digests):
        stored = desk_tables.policies.c
        text = connection.scalar(select(stored.toml).where(stored.digest == digest))
        if text is None or not _has_digest(text, digest):
            raise PolicyTextError(digest=digest, wrong="missing" if text is None else "another")
        found[digest] = text
    return found


def named(rows: Sequence[Numbered]) -> set[str]:
    """The digests of the policies that these entries name."""
    return {digest for _, body in rows for digest in _NAMED.findall(body)}


def _has_digest(text: str, digest: str) -> bool:
    try:
        read = policy.read(text)
    except policy.PolicyError:
        return False
    return read.digest == digest and read.toml() == text


def _write_voucher(files: NewFiles, vouching: Voucher) -> None:
    files.put("checkpoint", vouching.note)
    files.put("log.vkey", _lines(vouching.keys))
    if vouching.witnesses:
        files.put("witnesses.vkey", _lines(vouching.witnesses))
    for n, handover in enumerate(vouching.handovers, 1):
        files.put(f"handovers/{n:03}", handover)
    if vouching.stamp is not None:
        files.put("stamps/checkpoint.tsr", vouching.stamp)


def _write_policies(files: NewFiles, connection: Connection, digests: set[str]) -> dict[str, str]:
    texts = policies_of(connection, digests)
    for digest, text in texts.items():
        files.put(f"policies/{digest.removeprefix('sha256:')}.toml", text.encode())
    return texts


# ── the whole record ─────────────────────────────────────────────────────────────────────────────


def _write_whole(
    files: NewFiles, connection: Connection, vouching: Voucher, done: Callable[[int], object]
) -> int:
    """Write all entries and tiles; the root of the computed tiles must match the checkpoint."""
    signed, edge = vouching.signed, Edge()
    policies: set[str] = set()
    growing: dict[int, Tile] = {}
    hashes: dict[int, bytes] = {}
    with files.open("entries.jsonl") as write:
        for rows in export.covered_entries(connection, Selection(), signed.size, at_once=WIDTH):
            bodies = _bytes_of(rows)
            write(b"\n".join([*bodies, b""]))
            files.put(tiles.entries_path(edge.size // WIDTH, len(bodies)), _bundled(bodies))
            for level, n, blob in edge.append(map(leaf_hash, bodies)):
                growing[level] = Tile(level, n, len(blob) // tiles.HASH_BYTES)
                hashes[level] = blob
                if growing[level].width == WIDTH:
                    files.put(tiles.path(growing.pop(level)), hashes.pop(level))
            policies |= named(rows)
            done(len(rows))
    if edge.size != signed.size or edge.frontier().root() != signed.root:
        raise NotAsSignedError(what=Cause.of("the_entries", "the entries are"), size=signed.size)
    for level, tile in sorted(growing.items()):
        files.put(tiles.path(tile), hashes[level])
    _write_policies(files, connection, policies)
    return edge.size


def _bundled(bodies: Sequence[bytes]) -> bytes:
    try:
        return tiles.entry_bundle(bodies)
    except tiles.TileError as error:
        raise UnreadableEntryError(detail=str(error.facts.get("detail"))) from error


# ── a part of it ─────────────────────────────────────────────────────────────────────────────────


def _write_part(
    files: NewFiles,
    connection: Connection,
    vouching: Voucher,
    order: Order,
    done: Callable[[int], object],
) -> int:
    """Write entries, each with its proof, and for one site also the case file."""
    signed, n = vouching.signed, 0
    prove = voucher.inclusion_prover(connection, signed)
    policies: set[str] = set()
    case: list[Numbered] = []
    with files.open("entries.jsonl") as write:
        for rows in export.covered_entries(connection, order.wanted, signed.size, at_once=WIDTH):
            for (index, _), body in zip(rows, _bytes_of(rows), strict=True):
                write(body + b"\n")
                proof = ProofFile(index, tuple(prove(index, body)), vouching.note)
                files.put(f"proofs/{index}{SUFFIX}", proof.text.encode())
            policies |= named(rows)
            n += len(rows)
            if order.report is not None:
                case += rows
            done(len(rows))
    texts = _write_policies(files, connection, policies)
    if order.report is not None:
        files.put("report.html", order.report(connection, vouching, case, texts).encode())
    return n


def _bytes_of(rows: Sequence[Numbered]) -> list[bytes]:
    try:
        return [body.encode() for _, body in rows]
    except (AttributeError, UnicodeError) as error:
        raise UnreadableEntryError(
            detail=Cause.of("no_utf8_text", "it is no text in UTF-8")
        ) from error


def _lines(texts: Sequence[str]) -> bytes:
    return "".join(f"{text}\n" for text in texts).encode()


def report(connection: Connection, wanted: Selection, draw: Report) -> str:
    """Draw the case file of one site, as a bundle of these entries contains it.

    Raises the same errors as `write`.
    """
    vouching = voucher.last_voucher(connection)
    signed = vouching.signed
    uncovered_of(connection, wanted, signed.size)
    prove = voucher.inclusion_prover(connection, signed)
    case: list[Numbered] = []
    for rows in export.covered_entries(connection, wanted, signed.size, at_once=WIDTH):
        for (index, _), body in zip(rows, _bytes_of(rows), strict=True):
            prove(index, body)
        case += rows
    return draw(connection, vouching, case, policies_of(connection, named(case)))
