#!/usr/bin/env python3
"""Check a bundle that `incidents audit export --format bundle` has written, trusting nobody.

    python3 verify_export.py BUNDLE [--key VKEY_OR_FILE] [--checkpoint HELD_FILE]…
                                    [--witness VKEY_OR_FILE]… [--json]

BUNDLE is the folder, or the FILE.tar.zst that holds it. This is one file, to be read from top to
bottom. It needs Python 3.11 and nothing else; signatures are checked by the library `cryptography`
or the program `openssl`, whichever is there. It has no line in common with the program it checks.

What it shows: no file is missing, changed or added; each entry is canonical JSON; of no site is an
entry missing between two others; the tree over the entries has the root that the log has signed;
the keys are the last ones that the entries name, and each was handed over by the one before it;
checkpoints that you hold are of the same history.

What it does not show: that each suspension and closure follows from the facts before it under the
policy (`incidents audit verify` does); that the facts are true; whose key it is, which is for you
to know (--key). Whoever holds the key can sign another history: only a checkpoint that was held
outside (--checkpoint), or a witness that you know (--witness), shows that.

Standards: RFC 6962 (the tree), RFC 9162 (its proofs, 2.1.3.2), RFC 8785 (canonical JSON), RFC 8032
(Ed25519), and of C2SP signed-note, tlog-checkpoint, tlog-tiles, tlog-proof and tlog-cosignature.

Exit status: 0 verified; 5 something is wrong; 6 nothing is wrong in what was checked, but not all
could be checked here, as without a tool for signatures; 2 wrong usage; 1 what came of it cannot be
written: nobody reads it, or the disk is full.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib
import io
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VERIFIED, UNWRITTEN, NOT_VERIFIED, NOT_CHECKED, INTERRUPTED = 0, 1, 5, 6, 130
TILE = 256  # hashes in a full tile, and entries in a full bundle of entries (tlog-tiles)
MAX_ENTRY = 65_535  # bytes of an entry
MAX_FILE = 1_000_000  # bytes of a checkpoint, a proof, a list of keys
MAX_POLICY = 4_096  # bytes of a policy that is parsed: tomllib is quadratic in a key's parts
MAX_UNPACKED = 16 << 30  # bytes of all files in an archive


class WrongError(Exception):
    """Something is not as it must be; its arguments are where, and what."""


class NotCheckedError(Exception):
    """A necessary check cannot be made here; its arguments are where, and how to make it."""


# ── The tree: RFC 6962, section 2.1 ──────────────────────────────────────────────────────────────


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\0" + entry)


def perfect_root(hashes: list[bytes]) -> bytes:
    """The root over 1, 2, 4, 8 … hashes."""
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [sha256(b"\1" + left + right) for left, right in pairs]
    return hashes[0]


def tree_root(levels: list[list[bytes]]) -> bytes:
    """The root of a tree, from the hashes in the last tile of each level (none full), 0 first.

    A hash of level n is over 256**n leaves. So the tree is a row of perfect trees, each smaller
    than the one before it, which are joined from the right.
    """
    parts = []
    for hashes in reversed(levels):
        begin = 0
        for width in (128, 64, 32, 16, 8, 4, 2, 1):
            if len(hashes) & width:
                parts.append(perfect_root(hashes[begin : begin + width]))
                begin += width
    root = parts.pop() if parts else sha256(b"")
    while parts:
        root = sha256(b"\1" + parts.pop() + root)
    return root


def root_by_proof(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); None for a wrong length."""
    if index >= size:
        return None
    fn, sn, root = index, size - 1, leaf
    for sibling in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            root = sha256(b"\1" + sibling + root)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            root = sha256(b"\1" + root + sibling)
        fn, sn = fn >> 1, sn >> 1
    return root if sn == 0 else None


# ── Keys, notes and checkpoints: C2SP signed-note, tlog-checkpoint, tlog-cosignature ─────────────

LOG, WITNESS = 1, 4  # what a key signs: notes (0x01), or cosignatures with their time (0x04)
_CONTROL = re.compile("[\0-\x09\x0b-\x1f]")
_NUMBER = re.compile("(0|[1-9][0-9]{0,17})")
_NAME = re.compile(r"[^\s+]+")


def short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 90 else text[:87] + "…"


def os_error(error: OSError) -> tuple[str, str]:
    """The file of an error, and the system's message."""
    if isinstance(error, FileNotFoundError):
        return "no such file", str(error.filename)
    return str(error.filename), str(error.strerror or error)


def text_of(data: bytes, where: str) -> str:
    """The text in UTF-8, with no control character but the line feed."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise WrongError(where, "it is no UTF-8") from None
    if _CONTROL.search(text):
        raise WrongError(where, "it holds a control character")
    return text


def number(text: object, where: str) -> int:
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise WrongError(where, f"{short(text)} is no number as it must be written")
    return int(text)


def decode_base64(text: str, where: str, size: int | None = None) -> bytes:
    """Decode that number of bytes from the one canonical form of RFC 4648, section 4."""
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b""
    if len(data) != (size or len(data)) or base64.b64encode(data).decode() != text:
        raise WrongError(where, f"{short(text)} is not {size or ''} bytes in canonical base64")
    return data


@dataclass(frozen=True)
class Key:
    """A verifier key: `name+hash+base64`."""

    text: str
    name: str
    id: bytes
    kind: int
    public: bytes

    @classmethod
    def read(cls, text: str, where: str, kind: int) -> Key:
        name, hashed, encoded = (*text.split("+", 2), "", "")[:3]
        data = decode_base64(encoded, where, 33)
        key_id = sha256(name.encode() + b"\n" + data)[:4]
        if not (_NAME.fullmatch(name) and name.isprintable() and key_id.hex() == hashed):
            raise WrongError(where, f"{short(text)} is no key: its name or its hash is wrong")
        if data[0] != kind:
            raise WrongError(where, f"{short(text)} is no Ed25519 key for signatures 0x0{kind}")
        return cls(text, name, key_id, kind, data[1:])


def read_keys(data: bytes, where: str, kind: int) -> list[Key]:
    """One verifier key a line."""
    lines = text_of(data, where).split("\n")
    if lines.pop() or not lines or len(set(lines)) < len(lines):
        raise WrongError(where, "it must hold one key a line, and none twice")
    return [Key.read(line, where, kind) for line in lines]


@dataclass(frozen=True)
class Checkpoint:
    """A signed note that says: the log called `origin` has, at this size, this root."""

    where: str
    text: str
    origin: str
    size: int
    root: bytes
    signatures: dict[tuple[str, bytes], bytes]  # by the name and the id of the key

    @classmethod
    def read(cls, data: bytes, where: str) -> Checkpoint:
        text, blank, below = text_of(data, where).rpartition("\n\n")
        head, lines = text.split("\n"), below.split("\n")
        if not blank or lines.pop() or not lines or len(head) < 3 or not all(head):
            raise WrongError(where, "it is no note of an origin, a size, a root, and signatures")
        size, root = number(head[1], where), decode_base64(head[2], where, 32)
        signatures = {}
        for line in lines:
            dash, name, encoded = (*line.split(" ", 2), "", "")[:3]
            blob = decode_base64(encoded, where)
            if dash != "\N{EM DASH}" or not _NAME.fullmatch(name) or (name, blob[:4]) in signatures:
                raise WrongError(where, f"this is no signature, or one too many: {short(line)}")
            signatures[name, blob[:4]] = blob[4:]
        return cls(where, text + "\n", head[0], size, root, signatures)

    def signers(self, known: Sequence[Key], valid: Valid, *, strict: bool) -> set[Key]:
        """Return those of the keys that have signed; one wrong signature, and the note is refused.

        Signatures of other keys are passed over, or refused if `strict`: in a bundle there is
        nothing that is not accounted for.
        """
        keys = {(key.name, key.id): key for key in known}
        for key in known:  # an id has 32 bits: another key of the same one can be sought, and found
            if keys[key.name, key.id] != key:
                what = (
                    f"{key.text} and {keys[key.name, key.id].text} cannot be told apart by their id"
                )
                raise WrongError(self.where, what)
        if strict and (unknown := self.signatures.keys() - keys.keys()):
            name = min(unknown)[0]
            raise WrongError(self.where, f"{short(name)} signs with a key that the bundle has not")
        for place in self.signatures.keys() & keys.keys():
            message, signature = self.text.encode(), self.signatures[place]
            if keys[place].kind == WITNESS:  # tlog-cosignature: the time stands before it
                at, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {at}\n".encode() + message
            if len(signature) != 64 or not valid(keys[place].public, message, signature):
                raise WrongError(self.where, f"the signature of {place[0]} is wrong")
        return {keys[place] for place in self.signatures.keys() & keys.keys()}


Valid = Callable[[bytes, bytes, bytes], bool]
"""A check that the key (32 bytes) has signed the message with that signature (RFC 8032)."""


def ed25519() -> tuple[str, Valid] | None:
    """Return the name of a program that checks signatures on this machine, and the check."""
    try:
        importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
        return "the library cryptography", _by_cryptography
    except ImportError:
        return ("the program openssl", _by_openssl) if shutil.which("openssl") else None


def _by_cryptography(public: bytes, message: bytes, signature: bytes) -> bool:
    module = importlib.import_module("cryptography.hazmat.primitives.asymmetric.ed25519")
    invalid = importlib.import_module("cryptography.exceptions").InvalidSignature
    try:
        module.Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (invalid, ValueError):
        return False
    return True


def _by_openssl(public: bytes, message: bytes, signature: bytes) -> bool:
    der = bytes.fromhex("302a300506032b6570032100") + public  # RFC 8410, section 4
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("key", der), ("message", message), ("signature", signature)):
            Path(folder, name).write_bytes(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key"]
        command += ["-rawin", "-in", "message", "-sigfile", "signature"]
        return subprocess.run(command, cwd=folder, capture_output=True, check=False).returncode == 0


# ── Canonical JSON: RFC 8785, without floating point numbers ─────────────────────────────────────


def _integer(text: str) -> int:
    """Return a whole number; raises NoNumberError for others, or one too large to be exact."""
    if not _WHOLE.fullmatch(text):
        raise NoNumberError(f"{short(text)} is no whole number")
    if abs(int(text)) >= 2**53:
        raise NoNumberError(f"{text} is too large a number")
    return int(text)


class NoNumberError(ValueError):
    """A number that no entry has."""


_WHOLE = re.compile(r"-?[0-9]{1,17}")


_DECODER = json.JSONDecoder(parse_float=_integer, parse_int=_integer, parse_constant=_integer)
_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def read_json(data: bytes, where: str) -> dict[str, Any]:
    """The object, if writing it again gives the same bytes: so no key is there twice.

    Keys are ASCII, for Python sorts others in another order than RFC 8785 does.
    """
    try:
        text = data.decode()
        value = _DECODER.decode(text)
        again = _ENCODER.encode(value)
    except (ValueError, RecursionError) as error:
        what = f"it is no JSON as an entry has it: {_why_no_json(error)}"
        raise WrongError(where, what) from None
    if again != text:
        raise WrongError(where, "it is not in the canonical form of RFC 8785")
    if not isinstance(value, dict) or not (text.isascii() or _ascii_keys(value)):
        raise WrongError(where, "it is no object whose keys are ASCII")
    return value


def _why_no_json(error: ValueError | RecursionError) -> str:
    """Our own words, for Python's change from release to release."""
    match error:
        case NoNumberError():
            return str(error)
        case json.JSONDecodeError():
            return f"it goes wrong at character {error.pos + 1}"
        case RecursionError():
            return "one thing stands in another without end"
    return "its bytes are no UTF-8"


def _ascii_keys(value: object) -> bool:
    if isinstance(value, dict):
        return all(key.isascii() and _ascii_keys(inner) for key, inner in value.items())
    return not isinstance(value, list) or all(map(_ascii_keys, value))


# ── The bundle: its files and its manifest ───────────────────────────────────────────────────────

_ALWAYS = (
    r"checkpoint|log\.vkey|witnesses\.vkey|entries\.jsonl|handovers/[0-9]{3}"
    r"|policies/[0-9a-f]{64}\.toml|stamps/[0-9A-Za-z_-]{1,80}\.tsr"
)
_PATHS = {
    True: re.compile(_ALWAYS + r"|tile/(entries|[0-7])/[0-9xp/.]{1,80}"),
    False: re.compile(_ALWAYS + r"|proofs/(0|[1-9][0-9]{0,17})\.tlog-proof|report\.html"),
}


@dataclass(frozen=True)
class Bundle:
    """A folder with its manifest; each field is compared with the files."""

    folder: Path
    digests: dict[str, str]
    size: int
    entries: int
    whole: bool

    @classmethod
    def open(cls, folder: Path) -> Bundle:
        there, where = {*_plain_files(folder)}, "manifest.json"
        if where not in there:
            raise WrongError(folder.name or str(folder), f"it has no {where}: is it a bundle?")
        line = (folder / where).read_bytes()
        found = read_json(line[:-1], where)
        files, whole = found.get("files"), found.get("whole")
        if list(found) != ["entries", "files", "format", "size", "whole"] or line[-1:] != b"\n":
            raise WrongError(where, "it must be one line of entries, files, format, size, whole")
        if found["format"] != "incidents-bundle/1":
            raise WrongError(where, f"the format {short(found['format'])} is not known here")
        if not isinstance(files, dict) or not isinstance(whole, bool):
            raise WrongError(where, "files must be an object, and whole true or false")
        for path in files:
            if not _PATHS[whole].fullmatch(path):
                raise WrongError(short(path), "no such file belongs in this kind of bundle")
        for path in sorted(there ^ {where, *files}):
            what = "the manifest does not list it" if path in there else "it is missing"
            raise WrongError(path if path in files else short(path), what)
        counts = (number(found["size"], where), number(found["entries"], where))
        return cls(folder, files, *counts, whole)

    def read(self, path: str, most: int = MAX_FILE) -> bytes:
        if path not in self.digests:
            raise WrongError(path, "it is missing")
        with (self.folder / path).open("rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise WrongError(path, f"it has more than {most} bytes")
        return data

    def under(self, folder: str) -> list[str]:
        return sorted(path for path in self.digests if path.startswith(folder + "/"))

    def lines(self) -> Iterator[tuple[str, bytes]]:
        """The entries as they are stored, each with its place for messages."""
        with (self.folder / "entries.jsonl").open("rb") as file:
            for n, line in enumerate(iter(lambda: file.readline(MAX_ENTRY + 1), b""), 1):
                where = f"entries.jsonl, line {n}"
                if line[-1:] != b"\n":
                    raise WrongError(where, f"it has no end, or more than {MAX_ENTRY} bytes")
                yield where, line[:-1]

    def check_digests(self) -> None:
        for path, digest in self.digests.items():
            with (self.folder / path).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                    raise WrongError(path, "its SHA-256 is not the one in manifest.json")


def _plain_files(folder: Path) -> Iterator[str]:
    for parent, folders, files in os.walk(folder):
        below = Path(parent).relative_to(folder)
        for name in (*folders, *files):
            path, mode = (below / name).as_posix(), os.lstat(f"{parent}/{name}").st_mode
            if stat.S_ISREG(mode):
                yield path
            elif not stat.S_ISDIR(mode):
                raise WrongError(short(path), "it is not a plain file")


# ── The entries, one after the other ─────────────────────────────────────────────────────────────

_TEXTS = ("actor", "kind", "occurred_at", "policy", "recorded_at", "site", "site_id", "site_seq")
_TIME = re.compile(  # RFC 3339 in UTC, with microseconds where there are any
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3])"
    "(:[0-5][0-9]){2}([.](?!0{6})[0-9]{6})?Z"
)
_DIGEST = re.compile("sha256:[0-9a-f]{64}")


@dataclass
class Record:
    """Check each entry by itself and in its place; remember only the last one of each site.

    `made` are the log's keys as entries name them: the entry's index, the key, the one before it.
    """

    whole: bool
    sites: dict[int, tuple[str, int, str]] = field(default_factory=dict)  # name, site_seq, time
    names: dict[str, int] = field(default_factory=dict)
    policies: set[str] = field(default_factory=set)  # the digests that entries were decided under
    left: set[str] = field(default_factory=set)  # and those that were active before an activation
    activated: dict[str, str] = field(default_factory=dict)
    made: list[tuple[int, str, str | None]] = field(default_factory=list)

    def take(self, line: bytes, index: int, where: str) -> None:
        entry = read_json(line, where)
        for name in _TEXTS:
            if type(entry.get(name)) is not str:
                raise WrongError(where, f"its {name} is missing, or no text")
        if type(entry.get("data")) is not dict or repr(entry.get("v")) != "1":
            raise WrongError(where, "it has no data, or is not of version 1")
        for time in (entry["recorded_at"], entry["occurred_at"]):
            if not _TIME.fullmatch(time):
                raise WrongError(where, f"{short(time)} is no time as an entry has it")
        policy = entry["policy"]
        if policy not in self.policies and not _DIGEST.fullmatch(policy):
            raise WrongError(where, f"its policy is no digest: {short(policy)}")
        self.policies.add(policy)
        site, seq = number(entry["site_id"], where), number(entry["site_seq"], where)
        self._follow(site, seq, entry["site"], entry["recorded_at"], where)
        if site == 0:
            self._keep(entry["kind"], entry["data"], policy, index, where)

    def _follow(self, site: int, seq: int, name: str, at: str, where: str) -> None:
        last_name, last_seq, last_at = self.sites.get(site, (name, 0, at))
        if (
            last_name != name
            or self.names.setdefault(name, site) != site
            or (not site) != (not name)
        ):
            raise WrongError(where, f"site {site} cannot be called {short(name)}: another is")
        # A part may begin anywhere in a site's stream, and has only some of the desk's own actions.
        free = not self.whole and (site == 0 or site not in self.sites)
        if seq != last_seq + 1 and not (free and seq > last_seq):
            due = f"number {last_seq + 1} of {short(name)} was due"
            raise WrongError(where, f"{due}, and this is number {seq}")
        # Without the Z, the order of times is the order of letters.
        if at[:-1] < last_at[:-1]:
            raise WrongError(where, f"it was recorded at {at}, before the one before it, {last_at}")
        self.sites[site] = (name, seq, at)

    def _keep(self, kind: str, data: dict[str, Any], policy: str, index: int, where: str) -> None:
        if kind == "log_key_made" and self.whole:
            key, previous = data.get("key"), data.get("previous")
            if previous != (self.made[-1][1] if self.made else None):
                raise WrongError(where, f"it replaces {short(previous)}, which is not the last key")
            if not isinstance(key, str) or any(key == made for _, made, _ in self.made):
                raise WrongError(where, f"{short(key)} is no key, or was the log's key before")
            self.made.append((index, key, previous))
        if kind == "policy_activated":
            self.left.add(str(data.get("previous")))
            text = self.activated.setdefault(policy, str(data.get("toml")))
            if text != data.get("toml"):
                raise WrongError(where, "the policy of this digest had another text before")


# ── The whole record: entries, tiles and root, C2SP tlog-tiles ───────────────────────────────────


class Tree:
    """Grow over all entries and compare each tile with its file; `roots` are those at `sizes`."""

    def __init__(self, bundle: Bundle, sizes: set[int]) -> None:
        self.roots: dict[int, bytes] = {}
        self._bundle, self._sizes, self._size = bundle, sizes, 0
        self._entries: list[bytes] = []  # those of the last bundle of entries
        self._levels: list[list[bytes]] = [[]]  # of each level the hashes of the last tile
        self._full = [0]  # and how many are full
        self._compared: set[str] = set()
        self._note_root()

    def append(self, entry: bytes) -> None:
        self._entries.append(entry)
        self._size += 1
        self._push(0, leaf_hash(entry))
        self._note_root()

    def end(self) -> int:
        """Compare the tiles that are not full, check that there are no others, return the size."""
        for level, hashes in enumerate(self._levels):
            if hashes:
                self._compare(level, hashes)
        for path in sorted(set(self._bundle.under("tile")) - self._compared):
            raise WrongError(path, f"a tree of {self._size} entries has no such tile")
        return self._size

    def _note_root(self) -> None:
        if self._size in self._sizes:
            self.roots[self._size] = tree_root(self._levels)

    def _push(self, level: int, hashed: bytes) -> None:
        if level == len(self._levels):
            self._levels.append([])
            self._full.append(0)
        hashes = self._levels[level]
        hashes.append(hashed)
        if len(hashes) == TILE:
            self._compare(level, hashes)
            self._levels[level] = []
            self._full[level] += 1
            self._push(level + 1, perfect_root(hashes))

    def _compare(self, level: int, hashes: list[bytes]) -> None:
        if level == 0:
            entries = [len(entry).to_bytes(2, "big") + entry for entry in self._entries]
            self._compare_file("entries", 0, entries)
            self._entries = []
        self._compare_file(str(level), level, hashes)

    def _compare_file(self, label: str, level: int, parts: list[bytes]) -> None:
        """Check that the file holds these parts in order; raise for the first wrong one."""
        first = self._full[level]
        path = tile_path(label, first, len(parts))
        found, begin = self._bundle.read(path, TILE * (MAX_ENTRY + 2)), 0
        if found != b"".join(parts):
            for n, part in enumerate(parts, first * TILE + 1):
                if found[begin : begin + len(part)] != part:
                    what = f"part {n}" if level else f"what it says of line {n} of entries.jsonl"
                    raise WrongError(path, f"{what} is not what follows from the entries")
                begin += len(part)
            raise WrongError(path, "it goes on where it must end")
        self._compared.add(path)


def tile_path(label: str, n: int, width: int) -> str:
    """`tile/0/x001/x234/067`, and behind it `.p/17` if it holds 17 of 256."""
    digits = f"{n:0{-(-len(str(n)) // 3) * 3}}"
    path = re.sub("([0-9]{3})(?=[0-9])", r"x\1/", digits)
    return f"tile/{label}/{path}" + ("" if width == TILE else f".p/{width}")


def check_whole(bundle: Bundle, record: Record, sizes: set[int]) -> dict[int, bytes]:
    """Check all entries, and return the roots that the tree over them had at those sizes."""
    tree = Tree(bundle, sizes)
    for index, (where, line) in enumerate(bundle.lines()):
        record.take(line, index, where)
        tree.append(line)
    size = tree.end()
    if not size == bundle.entries == bundle.size:
        raise WrongError("entries.jsonl", f"{size} entries: the manifest says {bundle.size}")
    return tree.roots


# ── A part of the record: each entry with its proof, C2SP tlog-proof ─────────────────────────────


def check_part(bundle: Bundle, record: Record, checkpoint: Checkpoint) -> None:
    """Check that each entry is in the tree of the checkpoint, where its proof says."""
    head, n = bundle.read("checkpoint"), 0
    proofs = sorted(int(Path(path).stem) for path in bundle.under("proofs"))
    for n, (where, line) in enumerate(bundle.lines(), 1):
        if n > len(proofs):
            raise WrongError(where, "there is no proof for it")
        index, path = proofs[n - 1], f"proofs/{proofs[n - 1]}.tlog-proof"
        record.take(line, index, where)
        proof = _proof(bundle.read(path), path, index, head)
        if root_by_proof(index, checkpoint.size, leaf_hash(line), proof) != checkpoint.root:
            raise WrongError(where, f"{path} does not lead from it to the root in checkpoint")
    if n == 0:
        raise WrongError("entries.jsonl", "it holds no entry, and so it proves nothing")
    if not n == len(proofs) == bundle.entries:
        raise WrongError("entries.jsonl", f"{n} entries, {len(proofs)} proofs")


def _proof(data: bytes, where: str, index: int, checkpoint: bytes) -> list[bytes]:
    above, _, below = data.partition(b"\n\n")
    lines = text_of(above, where).split("\n")
    if lines[:2] != ["c2sp.org/tlog-proof@v1", f"index {index}"]:
        raise WrongError(where, f"it is no proof of the entry at index {index}")
    if below != checkpoint:
        raise WrongError(where, "it is of another checkpoint than the bundle")
    return [decode_base64(line, where, 32) for line in lines[2:]]


# ── Policies, keys that were handed over, checkpoints that were held ─────────────────────────────


def check_policies(bundle: Bundle, record: Record) -> None:
    """Check that the text of each policy that decided is there, and no other.

    Its name is the SHA-256 of what it says, as canonical JSON; it is written in one way alone.
    """
    for digest in sorted(record.policies):
        text = text_of(bundle.read(f"policies/{digest[7:]}.toml"), f"policies/{digest[7:]}.toml")
        if record.activated.get(digest, text) != text:
            raise WrongError(f"policies/{digest[7:]}.toml", "it was activated with another text")
    for path in bundle.under("policies"):
        text = text_of(bundle.read(path, MAX_POLICY), path)
        try:
            document = tomllib.loads(text)
            said = json.dumps(document, sort_keys=True, separators=(",", ":"))
            again = "\n".join(map(_section, document.items()))
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise WrongError(path, "it is no policy") from None
        if again != text or sha256(said.encode()).hex() != Path(path).stem:
            raise WrongError(path, "what it says is not what its name is the digest of")
        if "sha256:" + Path(path).stem not in record.policies | record.left:
            raise WrongError(path, "no entry names this policy")


def _section(section: tuple[str, dict[str, object]]) -> str:
    return f"[{section[0]}]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in section[1].items())


def compare_root(held: Checkpoint, roots: dict[int, bytes], size: int) -> None:
    """Check that the tree over the entries had this checkpoint's root at its size."""
    if held.size > size:
        raise WrongError(held.where, f"it is of {held.size} entries, and the bundle ends at {size}")
    if held.size not in roots:
        raise WrongError(held.where, "a part of the record can be compared at its own size alone")
    if roots[held.size] != held.root:
        raise WrongError(held.where, f"the first {held.size} entries were others: it is rewritten")


@dataclass
class Known:
    """The keys and checkpoints that the user knows already, and the checks that they waive."""

    keys: list[Key] = field(default_factory=list)
    witnesses: list[Key] = field(default_factory=list)
    held: list[Checkpoint] = field(default_factory=list)
    no_signature: bool = False
    older_bundle: bool = False


@dataclass
class Findings:
    """The checks made, the errors, and the checks not made, each as a sentence.

    `missing`: the checks that must be made, and could not be made here.
    """

    checked: list[str] = field(default_factory=list)
    wrong: list[tuple[str, ...]] = field(default_factory=list)
    missing: list[tuple[str, ...]] = field(default_factory=list)
    unchecked: list[str] = field(default_factory=list)

    @contextmanager
    def collected(self) -> Iterator[None]:
        try:
            yield
        except WrongError as error:
            self.wrong.append(error.args)
        except NotCheckedError as error:
            self.missing.append(error.args)
        except OSError as error:
            self.wrong.append(os_error(error))


class Log:
    """The keys of the log, the oldest first, its witnesses, and the notes they signed."""

    def __init__(self, bundle: Bundle, asked: Known) -> None:
        self.bundle, self.asked = bundle, asked
        self.checkpoint = Checkpoint.read(bundle.read("checkpoint"), "checkpoint")
        self.keys = read_keys(bundle.read("log.vkey"), "log.vkey", LOG)
        self.witnesses, name = [], "witnesses.vkey"
        if name in bundle.digests:
            self.witnesses = read_keys(bundle.read(name), name, WITNESS)
        handovers = [f"handovers/{n:03}" for n in range(1, len(self.keys))]
        if handovers != bundle.under("handovers"):
            raise WrongError("handovers", f"there must be {len(handovers)}, one for each new key")
        self.handovers = [Checkpoint.read(bundle.read(path), path) for path in handovers]
        names = {key.name for key in self.keys}
        self.held = [note for note in asked.held if note.origin in names]
        # Another log's checkpoint says nothing of this one, and must not accuse it.
        self.strangers = [note for note in asked.held if note.origin not in names]

    def check_keys(self) -> None:
        """Check that the keys are trusted already, or follow on such keys."""
        for note in (self.checkpoint, *self.handovers):
            if {key.name for key in self.keys} != {note.origin}:
                raise WrongError(
                    note.where, f"{short(note.origin)} is not what its keys are called"
                )
        for key in self.asked.keys:
            if key not in self.keys:
                raise WrongError("log.vkey", f"it does not hold the key that you know, {key.text}")
        if self.asked.keys and not self.bundle.whole and self.keys[-1] not in self.asked.keys:
            what = "a part of the record cannot show that the key that you know was handed over to"
            raise WrongError("log.vkey", f"{what} {self.keys[-1].text}")

    def check_signatures(self, valid: Valid) -> None:
        everyone = [*self.keys, *self.witnesses]
        signers = self.checkpoint.signers(everyone, valid, strict=True)
        for key in (self.keys[-1], *self.witnesses, *self.asked.witnesses):
            if key not in signers:
                raise WrongError("checkpoint", f"{key.text} has not signed it")
        for old, new, note in zip(self.keys, self.keys[1:], self.handovers, strict=False):
            if not {old, new} <= note.signers(everyone, valid, strict=True):
                raise WrongError(note.where, "not both the old key and the new one have signed it")
        for held in self.held:
            if not held.signers(self.keys, valid, strict=False):
                raise WrongError(held.where, "no key of this log has signed it")

    def check_handovers(self, record: Record) -> None:
        """Check that entries name the keys last, each in a tree signed by the one before.

        A key that has handed over signs no more, whoever has it now. Where one was lost and could
        not hand over, the keys begin behind it. That both have signed one note says little: anybody
        can add a signature to a note.
        """
        made = record.made[-len(self.keys) :]
        if [key for _, key, _ in made] != [key.text for key in self.keys]:
            named = ", ".join(key for _, key, _ in record.made) or "none"
            raise WrongError("log.vkey", f"these are not the last keys that entries name: {named}")
        for (index, new, _), note in zip(made[1:], self.handovers, strict=True):
            if index >= note.size:
                raise WrongError(note.where, f"no entry in it hands over to {new}")


def verify(folder: Path, asked: Known) -> Findings:
    """Check the bundle in that folder."""
    found = Findings()
    with found.collected():
        bundle = Bundle.open(folder)
        with found.collected():
            bundle.check_digests()
            found.checked.append(f"files: {len(bundle.digests)}, each as manifest.json lists it")
        log = Log(bundle, asked)
        this = log.checkpoint.origin
        found.wrong += [
            (
                note.where,
                f"it belongs to another log, {short(note.origin)}; this log is {short(this)}",
            )
            for note in log.strangers
        ]
        with found.collected():
            log.check_keys()
            _check_signatures(log, found)
        _check_entries(log, found)
    found.unchecked.append(
        "that the decisions follow from the policy: `incidents audit verify` replays it"
    )
    return found


def _check_signatures(log: Log, found: Findings) -> None:
    tool = None if log.asked.no_signature else ed25519()
    log.check_signatures(tool[1] if tool else lambda *_: True)
    if tool is None:
        found.unchecked.append("ANY SIGNATURE: whoever made this bundle could be anybody")
        if not log.asked.no_signature:
            what = "install openssl or the library cryptography, and check again"
            raise NotCheckedError("signatures", what)
        if log.asked.keys or log.asked.witnesses:
            what = "--key and --witness need them: check again without --no-signature"
            raise NotCheckedError("signatures", what)
        return
    found.checked.append(f"signature of {log.keys[-1].text}, by {tool[0]}")
    for key in log.witnesses:
        at = int.from_bytes(log.checkpoint.signatures[key.name, key.id][:8], "big")
        found.checked.append(f"cosignature of {key.text}, at {at} (seconds since 1970)")
    if not log.asked.keys:
        found.unchecked.append("whose key this is: compare it, or name the one you know (--key)")
    if set(log.witnesses) - set(log.asked.witnesses):
        found.unchecked.append("who the witnesses are that were not named with --witness")


_ASIDE = {
    "repor": "it is for reading; what is proved stands in entries.jsonl",
    "stamp": "`openssl ts -verify` does, with the authority's certificate",
}


def _check_entries(log: Log, found: Findings) -> None:
    bundle, checkpoint, held = log.bundle, log.checkpoint, log.held
    if checkpoint.size != bundle.size:
        raise WrongError("manifest.json", f"the size is not that in checkpoint, {checkpoint.size}")
    record = Record(bundle.whole)
    if log.asked.older_bundle:
        found.unchecked += [
            f"{note.where}, which is later" for note in held if note.size > bundle.size
        ]
        held = [note for note in held if note.size <= bundle.size]
    if bundle.whole:
        notes = [checkpoint, *log.handovers, *held]
        roots = check_whole(bundle, record, {note.size for note in notes})
    else:
        notes, roots = held, {checkpoint.size: checkpoint.root}
        check_part(bundle, record, checkpoint)
        found.unchecked.append("that a site has no entries before the first here or after the last")
    for path in ("report.html", *bundle.under("stamps")):
        if path in bundle.digests:
            found.unchecked.append(f"{path}: {_ASIDE[path[:5]]}")
    for note in notes:
        compare_root(note, roots, bundle.size)
    check_policies(bundle, record)
    if bundle.whole:
        log.check_handovers(record)
    covered = f"all {bundle.size} that the checkpoint covers"
    kind = covered if bundle.whole else f"a part of {bundle.size}, each with its proof"
    sites = len(record.sites.keys() - {0})
    told = [f"{sites} {'site' if sites == 1 else 'sites'}"] if sites else []
    told += ["the desk itself"] if 0 in record.sites else []
    found.checked.append(f"entries: {bundle.entries}, of {' and '.join(told)}; {kind}")
    root = base64.b64encode(checkpoint.root).decode()
    found.checked.append(f"root: {root}, of {checkpoint.origin} at {checkpoint.size} entries")
    found.checked += [f"held: {note.where}, of {note.size} entries, agrees" for note in held]
    if not held:
        found.unchecked.append("that history was not rewritten: hold a checkpoint (--checkpoint)")


# ── The command ──────────────────────────────────────────────────────────────────────────────────

_SAFE = re.compile(r"(\./)?([0-9A-Za-z_-][0-9A-Za-z_.-]*/)*[0-9A-Za-z_-][0-9A-Za-z_.-]*/?")
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
_MORE = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME)


class Member(tarfile.TarInfo):
    """A header of an archive: of a plain file, a folder, or of what says more of the next one."""

    is_checked = False  # stays so under a Python that calls neither of the hooks below

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Member:
        """Refuse what `tarfile` takes for the end, for a file with holes, or for a long name."""
        return cls._checked(super().frombuf, buf, encoding, errors)

    @classmethod
    def _frombuf(cls, *given: Any, **more: Any) -> Member:
        """Do the same under the name that newer releases of Python call."""
        made: Any = super()
        return cls._checked(made._frombuf, *given, **more)  # noqa: SLF001 - our own base

    @classmethod
    def _checked(
        cls, read: Callable[..., Any], buf: bytes | bytearray, *given: Any, **more: Any
    ) -> Member:
        if buf[:1] == b"{":
            what = "these are entries in JSON lines, and no bundle: export with --format bundle"
            raise WrongError("archive", what)
        try:
            member: Member = read(buf, *given, **more)
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # not in the stubs
            raise  # the right end: a block of zeros
        except tarfile.HeaderError:
            raise WrongError("archive", "it is cut, or a header is wrong") from None
        if member.type not in _FILES and not (member.type in _MORE and member.size <= MAX_FILE):
            raise WrongError(short(member.name), "it is no plain file below the bundle")
        if member.size < 0:
            raise WrongError(short(member.name), "its size is below zero")
        member.is_checked = True
        return member


def unpacked(archive: Path, folder: Path) -> Path:
    """Write the plain files of an archive, and nothing else, below the folder."""
    with ExitStack() as stack:
        stream: Any = stack.enter_context(archive.open("rb"))
        zstd = None
        if archive.suffix == ".zst":
            if not shutil.which("zstd"):
                what = "there is no program zstd here: unpack it yourself, and check the folder"
                raise NotCheckedError(str(archive), what)
            command = ["zstd", "-dcqq"]
            zstd = subprocess.Popen(command, stdin=stream, stdout=subprocess.PIPE)
            stream = stack.enter_context(zstd).stdout
        try:
            with tarfile.open(fileobj=stream, mode="r|", tarinfo=Member) as members:
                _write(members, folder)
                behind: Any = members.fileobj
                rest = behind.read(MAX_FILE + 1)
        except tarfile.TarError:
            raise WrongError(str(archive), "it is no archive, or it is cut") from None
        if len(rest) > MAX_FILE or rest.strip(b"\0"):
            raise WrongError(str(archive), "it goes on after the end of the archive")
        if zstd and zstd.wait():
            raise WrongError(
                str(archive), f"zstd cannot read it all: exit status {zstd.returncode}"
            )
    above = list(folder.iterdir())
    return above[0] if len(above) == 1 and above[0].is_dir() else folder


def _write(members: tarfile.TarFile, folder: Path) -> None:
    total = 0
    for member in members:
        if not (isinstance(member, Member) and member.is_checked):
            version = platform.python_version()
            what = f"Python {version} cannot check it: unpack it, then verify the folder"
            raise NotCheckedError("archive", what)
        is_plain = member.type in _FILES and not member.issparse()
        if not _SAFE.fullmatch(member.name) or not is_plain:
            raise WrongError(short(member.name), "it is no plain file below the bundle")
        total += max(member.size, 4096)  # so much of a disk the smallest takes
        if total > MAX_UNPACKED:
            what = f"the files up to it take more than {MAX_UNPACKED} bytes: unpack it yourself"
            raise WrongError(short(member.name), what)
        if content := members.extractfile(member):
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file:
                shutil.copyfileobj(content, file)


def keys_of(option: str, kind: int) -> list[Key]:
    """A verifier key, which has two plus signs, or those in a file."""
    if "+" not in option or Path(option).is_file():
        return read_keys(Path(option).read_bytes(), option, kind)
    return [Key.read(option, option, kind)]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("bundle", type=Path, help="the folder, or a .tar or .tar.zst of it")
    parser.add_argument("--key", action="append", default=[], help="a key of the log, or a file")
    parser.add_argument(
        "--witness", action="append", default=[], help="whose cosignature must stand"
    )
    parser.add_argument("--checkpoint", action="append", default=[], type=Path, help="one you hold")
    parser.add_argument("--older-bundle", action="store_true", help="a later one may be held")
    parser.add_argument("--no-signature", action="store_true", help="go on without signatures")
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    options = parser.parse_args(arguments)
    try:
        asked = Known(
            [key for option in options.key for key in keys_of(option, LOG)],
            [key for option in options.witness for key in keys_of(option, WITNESS)],
            [Checkpoint.read(path.read_bytes(), str(path)) for path in options.checkpoint],
            options.no_signature,
            options.older_bundle,
        )
        options.bundle.stat()
    except WrongError as error:
        parser.error(": ".join(error.args))
    except OSError as error:
        parser.error(": ".join(os_error(error)))
    found = Findings()
    with found.collected(), tempfile.TemporaryDirectory() as name:
        folder = options.bundle if options.bundle.is_dir() else unpacked(options.bundle, Path(name))
        found = verify(folder, asked)
    _print_result(found, as_json=options.json)
    if found.wrong:
        return NOT_VERIFIED
    return NOT_CHECKED if found.missing else VERIFIED


def _print_result(found: Findings, *, as_json: bool) -> None:
    if as_json:
        wrong = [{"where": where, "what": what} for where, what in found.wrong]
        missing = [{"where": where, "what": what} for where, what in found.missing]
        said = {"missing": missing, "checked": found.checked, "unchecked": found.unchecked}
        verified = not (wrong or missing)
        print(json.dumps({"verified": verified, "wrong": wrong, **said}, ensure_ascii=False))
        return
    for sentence in found.checked:
        print(f"ok           {sentence}")
    for sentence in found.unchecked:
        print(f"not checked  {sentence}")
    for where, what in found.wrong:
        print(f"WRONG        {where}: {what}")
    for where, what in found.missing:
        print(f"NOT CHECKED  {where}: {what}")
    if found.wrong:
        print("NOT VERIFIED")
    elif found.missing:
        print("NOT VERIFIED: nothing checked is wrong, but not everything could be checked here")
    else:
        print("verified")


def run() -> int:
    """Run `main` and return its exit status, once its output is written to the last byte."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Characters that the encoding lacks become escapes; argparse would swallow an error.
        sys.stdout.reconfigure(errors="backslashreplace", write_through=False)
    status = UNWRITTEN
    try:
        try:
            status = main()
        except SystemExit as end:  # of argparse: --help, or wrong usage
            status = int(end.code or 0)
        print(end="", flush=True)
    except BrokenPipeError:
        status = UNWRITTEN
    except OSError as error:
        status = UNWRITTEN
        with suppress(OSError):
            print(f"what came of it cannot be written: {error.strerror}", file=sys.stderr)
    except KeyboardInterrupt:
        status = INTERRUPTED
    for stream in (sys.stdout, sys.stderr):
        try:
            print(end="", file=stream, flush=True)
        except OSError:
            # The rest of its buffer would be tried again at the end, with a traceback.
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return status


if __name__ == "__main__":
    sys.exit(run())
