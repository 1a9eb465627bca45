"""Bundles made by hand: what an export must look like, from its definition alone.

Nothing here is of the program's own log: trees are RFC 6962's recursion as it stands there, and
signatures are `cryptography`'s. The entries are those of a real desk.
"""

import base64
import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from incidents.desk.activation import LogKey
from incidents.machine import commands as c
from tests.audit.tampering import FOUR
from tests.desk.rehearsal import Rehearsal, rehearsal

Files = dict[str, bytes]
"""A bundle: the bytes of each file by its path."""

ORIGIN = "log.example/desk"
AT = 1_772_500_000
"""When witnesses have signed, in seconds since 1970."""


@dataclass(frozen=True)
class Signer:
    """A key that signs as a log (1), or as a witness (4)."""

    name: str = ORIGIN
    seed: int = 1
    kind: int = 1

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self._id().hex()}+{_base64(self._typed())}"

    def line(self, text: str, at: int = AT) -> str:
        """The key's line below the text of a note."""
        message, stamp = text.encode(), b""
        if self.kind == 4:
            stamp = at.to_bytes(8, "big")
            message = f"cosignature/v1\ntime {at}\n".encode() + message
        return f"— {self.name} {_base64(self._id() + stamp + self._private().sign(message))}\n"

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes([self.seed] * 32))

    def _typed(self) -> bytes:
        return bytes([self.kind]) + self._private().public_key().public_bytes_raw()

    def _id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + self._typed()).digest()[:4]


LOG = Signer()
NEXT = Signer(seed=2)
WITNESS = Signer(name="witness.example", seed=3, kind=4)
FORGER = Signer(seed=66)


@dataclass(frozen=True)
class Desk:
    """The desk's record: its entries, in order, and its policies by their digests."""

    entries: tuple[bytes, ...]
    policies: Mapping[str, str]

    def with_entries(self, entries: Sequence[bytes]) -> "Desk":
        return Desk(tuple(entries), self.policies)


# ── what the desk has on record ──────────────────────────────────────────────────────────────────


def on_record(day: Rehearsal) -> Desk:
    entries = day.rows("SELECT body FROM entries ORDER BY id")
    policies = day.rows("SELECT digest, toml FROM policies")
    return Desk(
        tuple(str(body).encode() for (body,) in entries),
        {str(digest): str(toml) for digest, toml in policies},
    )


def a_day(url: str) -> Desk:
    """Twenty entries: the log's key, two sites, a suspension, a closure, and another policy."""
    with rehearsal(url) as day:
        day.add("a.example")
        day.desk.make_log_key(LogKey(key=LOG.vkey, previous=None, by="li", login="desk1"))
        day.give(c.Log(by="li", urls=("https://a.example/1",), category="gambling", note="seen"))
        day.give(c.RecordContact(by="wang", incident=1, outcome="no-answer"))
        day.later(hours=2)
        day.elapse()
        day.desk.activate(FOUR, by="li", login="desk1", reason="agreed")
        day.later(hours=13, microseconds=5)
        day.elapse()
        day.add("例え.example")
        for _ in range(4):
            day.give(c.Log(by="张三", again=True), "例え.example")
            day.later(minutes=1)
        day.give(c.StateRemoved(by="li", incident=1))
        day.give(c.Log(by="li", again=True))
        day.give(c.ClaimItem(by="wang", item="2"))
        found = on_record(day)
    return found.with_entries(found.entries[:20])


def canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def edited(entry: bytes, **fields: Any) -> bytes:
    """The entry with other fields; still canonical."""
    return canonical(json.loads(entry) | fields)


def is_documented(toml: str) -> bool:
    """Whether it is the policy that a desk begins with, and not the one of `a_day`."""
    return "count = 4" not in toml


def handed_over(desk: Desk, old: Signer, new: Signer) -> Desk:
    """The record, and behind it the desk's own act of handing over to another key."""
    seq = sum(json.loads(entry)["site_id"] == "0" for entry in desk.entries) + 1
    return desk.with_entries([*desk.entries, key_made(desk.entries[-1], seq, new, old)])


def under_key(desk: Desk, signer: Signer) -> Desk:
    """The record, if that had been the log's first key."""
    keys = LOG.vkey.encode(), signer.vkey.encode()
    return desk.with_entries([entry.replace(*keys) for entry in desk.entries])


def named(desk: Desk, entries: Sequence[bytes]) -> Desk:
    """These entries, and of the policies those that they name."""
    names = {json.loads(entry)["policy"] for entry in entries}
    return Desk(tuple(entries), {name: desk.policies[name] for name in sorted(names)})


def many(desk: Desk, n: int) -> Desk:
    """Entries of one site that nobody has decided, behind the log's key."""
    first = key_made(desk.entries[0], 1, LOG)
    more = (edited(desk.entries[0], site_seq=str(seq)) for seq in range(1, n))
    return named(desk, [first, *more])


def key_made(like: bytes, seq: int, new: Signer, old: Signer | None = None) -> bytes:
    """The desk's own act of making a key, when that entry was recorded and under its policy."""
    said = json.loads(like)
    kept = canonical({name: said[name] for name in ("policy", "recorded_at", "v")})
    data = {"key": new.vkey} | ({} if old is None else {"previous": old.vkey})
    own = {"actor": "li", "login": "desk1", "occurred_at": said["recorded_at"], "data": data}
    return edited(kept, kind="log_key_made", site="", site_id="0", site_seq=str(seq), **own)


# ── the tree, as RFC 6962 defines it in section 2.1 ──────────────────────────────────────────────


def leaves(entries: Sequence[bytes]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(b"\0" + entry).digest() for entry in entries)


@cache
def root(of: tuple[bytes, ...]) -> bytes:
    if not of:
        return hashlib.sha256(b"").digest()
    if len(of) == 1:
        return of[0]
    k = _split(len(of))
    return hashlib.sha256(b"\1" + root(of[:k]) + root(of[k:])).digest()


def path(m: int, of: tuple[bytes, ...]) -> list[bytes]:
    """RFC 6962, 2.1.1: the audit path of the leaf with that index."""
    if len(of) == 1:
        return []
    k = _split(len(of))
    if m < k:
        return [*path(m, of[:k]), root(of[k:])]
    return [*path(m - k, of[k:]), root(of[:k])]


def consistency(m: int, of: tuple[bytes, ...], *, whole: bool = True) -> list[bytes]:
    """RFC 6962, 2.1.2: that the tree of the first `m` leaves is the beginning of the tree."""
    if m == len(of):
        return [] if whole else [root(of)]
    k = _split(len(of))
    if m <= k:
        return [*consistency(m, of[:k], whole=whole), root(of[k:])]
    return [*consistency(m - k, of[k:], whole=False), root(of[:k])]


def _split(n: int) -> int:
    """The largest power of two below `n`."""
    return 1 << (n - 1).bit_length() - 1


# ── the files ────────────────────────────────────────────────────────────────────────────────────


def head(entries: Sequence[bytes], *signers: Signer, origin: str = ORIGIN) -> bytes:
    """The checkpoint over these entries."""
    text = f"{origin}\n{len(entries)}\n{_base64(root(leaves(entries)))}\n"
    return "".join([text, "\n", *(signer.line(text) for signer in signers)]).encode()


def whole(
    desk: Desk,
    keys: Sequence[Signer] = (LOG,),
    witnesses: Sequence[Signer] = (),
    handovers: Sequence[int] = (),
) -> Files:
    """The bundle of all entries. `handovers` are the sizes at which a key gave way to the next."""
    files = _signed(desk, keys, witnesses)
    for n, size in enumerate(handovers, 1):
        files[f"handovers/{n:03}"] = head(desk.entries[:size], keys[n - 1], keys[n])
    files["entries.jsonl"] = b"".join(entry + b"\n" for entry in desk.entries)
    files |= dict(_tiles(desk.entries))
    return listed(files, len(desk.entries), len(desk.entries), is_whole=True)


def part(
    desk: Desk,
    indexes: Sequence[int],
    keys: Sequence[Signer] = (LOG,),
    witnesses: Sequence[Signer] = (),
) -> Files:
    """The bundle of some entries, each with its proof."""
    files, all_leaves = _signed(desk, keys, witnesses), leaves(desk.entries)
    for index in indexes:
        lines = ["c2sp.org/tlog-proof@v1", f"index {index}"]
        lines += map(_base64, path(index, all_leaves))
        proof = "\n".join([*lines, "", ""]).encode()
        files[f"proofs/{index}.tlog-proof"] = proof + files["checkpoint"]
    files["entries.jsonl"] = b"".join(desk.entries[index] + b"\n" for index in indexes)
    wanted = {json.loads(desk.entries[index])["policy"] for index in indexes}
    for name in [name for name in files if name.startswith("policies/")]:
        if "sha256:" + Path(name).stem not in wanted:
            del files[name]
    files["report.html"] = b"<!doctype html><title>The case</title>\n"
    return listed(files, len(desk.entries), len(indexes), is_whole=False)


def listed(files: Mapping[str, bytes], size: int, entries: int, *, is_whole: bool) -> Files:
    """The files with a manifest that is right about them."""
    others = files.keys() - {"manifest.json"}
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in others}
    manifest = {
        "entries": str(entries), "files": digests, "format": "incidents-bundle/1",
        "size": str(size), "whole": is_whole,
    }  # fmt: skip
    return {**files, "manifest.json": canonical(manifest) + b"\n"}


def listed_again(files: Mapping[str, bytes]) -> Files:
    """The files, their manifest made anew by somebody who has changed one of them."""
    said = json.loads(files["manifest.json"])
    return listed(files, int(said["size"]), int(said["entries"]), is_whole=said["whole"])


def flipped(data: bytes, place: int, mask: int = 1) -> bytes:
    """With that byte changed."""
    return data[:place] + bytes([data[place] ^ mask]) + data[place + 1 :]


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    for name, data in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return folder


def rewrite(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write them in place of all that was there."""
    shutil.rmtree(folder, ignore_errors=True)
    return write(files, folder)


def packed(folder: Path, archive: Path) -> Path:
    """The folder as an archive of that name."""
    with tarfile.open(archive, mode="w") as tar:
        for file in sorted(folder.rglob("*")):
            tar.add(file, file.relative_to(folder), recursive=False)
    return archive


def read(folder: Path) -> Files:
    files = (file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def _signed(desk: Desk, keys: Sequence[Signer], witnesses: Sequence[Signer]) -> Files:
    files = {
        "checkpoint": head(desk.entries, keys[-1], *witnesses),
        "log.vkey": "".join(f"{key.vkey}\n" for key in keys).encode(),
    }
    if witnesses:
        files["witnesses.vkey"] = "".join(f"{key.vkey}\n" for key in witnesses).encode()
    for digest, toml in desk.policies.items():
        files[f"policies/{digest.removeprefix('sha256:')}.toml"] = toml.encode()
    return files


def _tiles(entries: Sequence[bytes]) -> Iterator[tuple[str, bytes]]:
    """C2SP tlog-tiles, for trees that are no higher than two tiles."""
    hashes = leaves(entries)
    assert len(hashes) < 256 * 256
    for n in range(0, len(hashes), 256):
        some = entries[n : n + 256]
        ending = f"{n // 256:03}" + ("" if len(some) == 256 else f".p/{len(some)}")
        yield f"tile/0/{ending}", b"".join(hashes[n : n + 256])
        lengths = (len(entry).to_bytes(2, "big") + entry for entry in some)
        yield f"tile/entries/{ending}", b"".join(lengths)
    if full := len(hashes) // 256:
        roots = [root(hashes[256 * n : 256 * n + 256]) for n in range(full)]
        yield f"tile/1/000.p/{full}", b"".join(roots)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
