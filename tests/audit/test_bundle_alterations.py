"""A table of bundles, right ones and altered ones, that both verifiers are held to.

Each row is judged by the one-file verifier and by `audit verify`. They have no line in common, so
each has sentences of its own; what one finds wrong the other one finds wrong, too.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from tests.audit import auditor, bundles, verifying
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Desk, Files, Signer
from tests.audit.verifying import Verifier

OTHER = Signer(name="witness.example/w2", seed=4, kind=4)
ONE, TWO = "first policy", "second policy"


@dataclass(frozen=True)
class Made:
    """The bundles that are altered; the second policy was activated, the first one was not."""

    desk: Desk
    rotated: Desk

    @cached_property
    def whole(self) -> Files:
        return bundles.whole(self.desk)

    @cached_property
    def witnessed(self) -> Files:
        return bundles.whole(self.desk, witnesses=[WITNESS])

    @cached_property
    def handed(self) -> Files:
        return bundles.whole(self.rotated, keys=[LOG, NEXT], handovers=[21])

    @cached_property
    def handed_part(self) -> Files:
        files = bundles.part(self.rotated, [2, 3], keys=[LOG, NEXT])
        files["handovers/001"] = bundles.head(self.rotated.entries, LOG, NEXT)
        return bundles.listed_again(files)

    @cached_property
    def part(self) -> Files:
        return bundles.part(self.desk, [2, 3, 4])

    @cached_property
    def rewritten(self) -> Desk:
        return self.desk.with_entries([bundles.edited(e, actor="x") for e in self.desk.entries])

    def cosigned(self) -> bytes:
        """The checkpoint, with the signature of a witness that the bundle does not name."""
        text = self.whole["checkpoint"].decode().partition("\n\n")[0] + "\n"
        return self.whole["checkpoint"] + WITNESS.line(text).encode()

    def with_(self, files: Files, changed: Mapping[str, bytes]) -> Files:
        """With other files, or more of them, as somebody lists them who has changed them."""
        named = {self.name(name): data for name, data in changed.items()}
        return bundles.listed_again(files | named)

    def name(self, name: str) -> str:
        """The file of the first or of the second policy; any other name is its own."""
        found = sorted(
            (name for name in self.whole if name.startswith("policies/")),
            key=lambda name: not bundles.is_documented(self.whole[name].decode()),
        )
        return dict(zip((ONE, TWO), found, strict=True)).get(name, name)

    def policy(self, name: str) -> bytes:
        return self.whole[self.name(name)]


@pytest.fixture(scope="module")
def made(desk: Desk, rotated: Desk) -> Made:
    return Made(desk, rotated)


@dataclass(frozen=True)
class Row:
    """A bundle and what each verifier says of it; nothing is wrong where they say nothing."""

    files: Callable[[Made], Files]
    script: str = ""
    program: str = ""
    asked: Callable[[Made], dict[str, Any]] = field(default=lambda _: {})


def _checked(row: Row, made: Made, folder: Path) -> None:
    bundles.write(row.files(made), folder)
    asked = row.asked(made)
    script, program = auditor.wrong(folder, **asked), verifying.wrong(folder, **asked)
    if not row.script:
        assert script == program == []
        return
    assert script
    assert row.script in script[0]
    assert any(row.program in flaw for flaw in program), program


# ── keys, signatures, witnesses, checkpoints that were held ──────────────────────────────────────


def _knows(*signers: Signer) -> Callable[[Made], dict[str, Any]]:
    return lambda _: {
        "keys": [each.vkey for each in signers if each.kind == 1],
        "witnesses": [each.vkey for each in signers if each.kind == 4],
    }


def _holds(note: Callable[[Made], bytes]) -> Callable[[Made], dict[str, Any]]:
    return lambda made: {"held": [note(made)]}


def _first(desk: Desk, n: int) -> Files:
    return bundles.whole(bundles.named(desk, desk.entries[:n]))


def _followed(*known: Signer) -> Row:
    return Row(
        lambda made: made.handed,
        asked=lambda made: {
            "keys": [key.vkey for key in known],
            "held": [bundles.head(made.rotated.entries[:5], LOG)],
        },
    )


LAST_KEYS = "log.vkey: these are not the last keys that "
UNKNOWN = "you named it as a key of the log, but the log has no such key"
KEYS = {
    "right": Row(
        lambda made: made.witnessed,
        asked=lambda made: {
            **_knows(LOG, WITNESS)(made),
            "held": [bundles.head(made.desk.entries[:size], LOG) for size in (0, 7, 20)],
        },
    ),
    "handed over": _followed(),
    "handed over by the known one": _followed(LOG),
    "handed over to the known one": _followed(NEXT),
    "handed over between known ones": _followed(LOG, NEXT),
    "the old key signs until it hands over": Row(
        lambda made: bundles.whole(made.rotated.with_entries(made.rotated.entries[:-1])),
        asked=_knows(LOG),
    ),
    "the old key signs on": Row(
        lambda made: bundles.whole(made.rotated), LAST_KEYS, LAST_KEYS, _knows(LOG)
    ),
    "behind a lost key keys begin anew": Row(
        lambda made: bundles.whole(made.rotated, keys=[NEXT]), asked=_knows(NEXT)
    ),
    "a lost key is known": Row(
        lambda made: bundles.whole(made.rotated, keys=[NEXT]),
        "log.vkey: it does not hold the key that you know", UNKNOWN, _knows(LOG),
    ),
    "no entry names the key": Row(
        lambda made: _first(made.desk, 1), f"{LAST_KEYS}entries name: none", "name: none"
    ),
    "no entries": Row(
        lambda made: bundles.whole(Desk((), {})), f"{LAST_KEYS}entries name: none", "name: none"
    ),
    "a key that comes again": Row(
        lambda made: bundles.whole(bundles.handed_over(made.rotated, NEXT, LOG)),
        "was the log's key before", "has been the key before",
    ),
    "a key in the place of another than the last": Row(
        lambda made: bundles.whole(bundles.handed_over(made.desk, FORGER, NEXT), keys=[NEXT]),
        f"entries.jsonl, line 21: it replaces '{FORGER.vkey}', which is not the last key",
        f"the key that signs is {LOG.vkey}, but it says {FORGER.vkey}",
    ),
    "a new key that no entry names": Row(
        lambda made: bundles.whole(made.desk, (LOG, NEXT), (), (20,)), LAST_KEYS, LAST_KEYS
    ),
    "a key of their own that nobody knows better": Row(
        lambda made: bundles.whole(bundles.under_key(made.desk, FORGER), keys=[FORGER])
    ),
    "a key of their own": Row(
        lambda made: bundles.whole(bundles.under_key(made.desk, FORGER), keys=[FORGER]),
        "log.vkey: it does not hold the key that you know", UNKNOWN, _knows(LOG),
    ),
    "another name than its keys have": Row(
        lambda made: made.with_(
            made.whole, {"checkpoint": bundles.head(made.desk.entries, LOG, origin="b.example")}
        ),
        "is not what its keys are called", "checkpoint: it belongs to another log, 'b.example'",
    ),
    "a handover that covers its entry not": Row(
        # The forger has an old checkpoint, and writes on with a key of their own.
        lambda made: bundles.whole(
            bundles.handed_over(made.desk, LOG, FORGER), keys=[LOG, FORGER], handovers=[20]
        ),
        f"handovers/001: no entry in it hands over to {FORGER.vkey}",
        f"handovers/001: no entry in it hands over to {FORGER.vkey}",
        _knows(LOG),
    ),
    **{
        f"a handover that {who} alone has signed": Row(
            lambda made, by=by: made.with_(  # type: ignore[misc]  # bound for each row
                made.handed, {"handovers/001": bundles.head(made.rotated.entries, by)}
            ),
            "handovers/001: not both the old key and the new one have signed it",
            f"handovers/001: {other.vkey} has not signed it",
        )
        for who, by, other in (("the old key", LOG, NEXT), ("the new key", NEXT, LOG))
    },
    "a handover of another history": Row(
        lambda made: made.with_(
            made.handed,
            {
                "handovers/001": bundles.head(
                    [*made.rewritten.entries, made.rotated.entries[-1]], LOG, NEXT
                )
            },
        ),
        "it is rewritten", "handovers/001: the root of the first 21 entries is ",
    ),
    "a handover too many": Row(
        lambda made: made.with_(made.handed, {"log.vkey": f"{NEXT.vkey}\n".encode()}),
        "one for each new key", "handovers: there are 1, and 1 keys",
    ),
    "a handover twice": Row(
        lambda made: made.with_(made.handed, {"handovers/002": made.handed["handovers/001"]}),
        "one for each new key", "handovers: there are 2, and 2 keys",
    ),
    "keys in another order": Row(
        lambda made: made.with_(
            made.handed, {"log.vkey": f"{NEXT.vkey}\n{LOG.vkey}\n".encode()}
        ),
        f"checkpoint: {LOG.vkey} has not signed it", f"checkpoint: {LOG.vkey} has not signed it",
    ),
    "a part under the known key": Row(lambda made: made.handed_part, asked=_knows(NEXT)),
    "a part that cannot show a handover": Row(
        lambda made: made.handed_part,
        "log.vkey: a part of the record cannot show", "the whole bundle alone shows", _knows(LOG),
    ),
    "a witness that is asked for": Row(lambda made: made.witnessed, asked=_knows(WITNESS)),
    "a witness that has not signed": Row(
        lambda made: made.witnessed,
        f"checkpoint: {OTHER.vkey} has not signed it",
        f"{OTHER.vkey}: this witness has signed none of these checkpoints", _knows(OTHER),
    ),
    "a witness that is listed and has not signed": Row(
        lambda made: made.with_(
            made.witnessed, {"witnesses.vkey": f"{WITNESS.vkey}\n{OTHER.vkey}\n".encode()}
        ),
        f"checkpoint: {OTHER.vkey} has not signed it",
        f"checkpoint: {OTHER.vkey} has not signed it",
    ),
    "a signature that nobody can check": Row(
        lambda made: made.with_(made.whole, {"checkpoint": made.cosigned()}),
        "signs with a key that the bundle has not", "whose key is not in the bundle",
    ),
    "held, and signed by others, too": Row(
        lambda made: made.whole, asked=_holds(lambda made: made.cosigned())
    ),
    "held of another log": Row(
        lambda made: made.whole,
        f"held: it belongs to another log, 'b.example'; this log is '{LOG.name}'",
        f"held: it belongs to another log, b.example; this log is {LOG.name}",
        _holds(lambda made: bundles.head(made.rewritten.entries, FORGER, origin="b.example")),
    ),
    "held, and not signed by the log": Row(
        lambda made: made.whole,
        "held: no key of this log has signed it", "none of the keys that are known has signed it",
        _holds(lambda made: bundles.head(made.desk.entries, FORGER)),
    ),
    "a part beside what was held of its size": Row(
        lambda made: made.part, asked=_holds(lambda made: bundles.head(made.desk.entries, LOG))
    ),
    "a part beside what was held of another size": Row(
        lambda made: made.part,
        "held: a part of the record can be compared at its own size alone",
        "a part can be compared at the size of its own checkpoint alone, 20",
        _holds(lambda made: bundles.head(made.desk.entries[:19], LOG)),
    ),
    "a part of what was rewritten": Row(
        lambda made: made.part, "it is rewritten", "the log was rewritten",
        _holds(lambda made: bundles.head(made.rewritten.entries, LOG)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", KEYS.values(), ids=KEYS)
def test_whoever_has_signed_is_who_must_have(row: Row, made: Made, tmp_path: Path) -> None:
    _checked(row, made, tmp_path)


# ── the files: the manifest, policies, proofs, the checkpoint ────────────────────────────────────


def _policy(change: Callable[[bytes], bytes], script: str, program: str, which: str = ONE) -> Row:
    return Row(
        lambda made: made.with_(made.whole, {which: change(made.policy(which))}), script, program
    )


def _proof(change: Callable[[Made, list[bytes]], bytes], script: str, program: str) -> Row:
    """Another proof of the entry at 3, from the lines of the right one."""
    name = "proofs/3.tlog-proof"
    return Row(
        lambda made: made.with_(made.part, {name: change(made, made.part[name].split(b"\n"))}),
        script, program,
    )  # fmt: skip


def _smaller(made: Made) -> bytes:
    """The proof of that entry in a smaller tree."""
    return bundles.part(made.desk.with_entries(made.desk.entries[:10]), [3])["proofs/3.tlog-proof"]


def _activated_otherwise(made: Made) -> Files:
    entries = list(made.desk.entries)
    place = next(n for n, entry in enumerate(entries) if b'"policy_activated"' in entry)
    data = json.loads(entries[place])["data"] | {"toml": "[repeat]\ncount = 9\n"}
    entries[place] = bundles.edited(entries[place], data=data)
    return bundles.whole(made.desk.with_entries(entries))


def _without(name: str) -> Callable[[Made], Files]:
    return lambda made: {path: data for path, data in made.part.items() if path != name}


UNNAMED = "policies/815ce69073bf37a71afee34156192e1d9921dfc365dc653a02516902c3a5e2e7.toml"
"""What its name is the digest of: a section that the program does not know."""
ANOTHER, SO = "what it says is not what its name is the digest of", "what it says is the policy sha"
ANOTHER_WAY, LEADS_NOWHERE = "it is not written as the desk writes a policy", "does not lead from"
FILES = {
    "a policy that says something else": _policy(
        lambda text: text.replace(b"count = 3", b"count = 2"), ANOTHER, SO
    ),
    # The same is said in another way: no byte is free.
    "a policy with a line more": _policy(lambda text: text + b"\n", ANOTHER, ANOTHER_WAY),
    "a policy with a remark": _policy(lambda text: text + b"# a\n", ANOTHER, ANOTHER_WAY),
    "an activated policy with a remark": _policy(
        lambda text: text + b"# a\n", "it was activated with another text", ANOTHER_WAY, TWO
    ),
    "a policy under another's name": Row(
        lambda made: made.with_(made.whole, {ONE: made.policy(TWO)}), ANOTHER, SO
    ),
    "a policy that is no UTF-8": _policy(lambda _: b"\xff", "it is no UTF-8", "it is not a policy"),
    "a policy that is no TOML": _policy(lambda _: b"[", "it is no policy", "it is not a policy"),
    "a policy of no numbers": _policy(
        lambda _: b"a = 1979-05-27\n", "it is no policy", "it is not a policy"
    ),
    "a policy of a key without an end": _policy(
        lambda _: b".".join([b"a"] * 3_000) + b" = 1\n", "it has more than", "it is not a policy"
    ),
    "a policy that no entry names": Row(
        lambda made: made.with_(made.whole, {UNNAMED: b"[a]\nb = 1\n"}),
        f"{UNNAMED}: no entry names this policy", f"{UNNAMED}: it is not a policy",
    ),
    "an activation with another text": Row(
        _activated_otherwise, "it was activated with another text", "the policy in it is sha256:"
    ),
    "a proof of another entry": _proof(
        lambda made, _: made.part["proofs/2.tlog-proof"],
        "it is no proof of the entry at index 3", "is no proof of leaf 3",
    ),
    "a proof of another checkpoint": _proof(
        lambda made, _: _smaller(made),
        "of another checkpoint", "is no proof of leaf 3 by this checkpoint",
    ),
    "a proof in another tree": _proof(
        lambda made, _: _smaller(made).partition(b"\n\n")[0] + b"\n\n" + made.part["checkpoint"],
        LEADS_NOWHERE, "the proof is invalid",
    ),
    "a proof that is too short": _proof(
        lambda _, lines: b"\n".join(lines[:2] + lines[3:]),
        LEADS_NOWHERE, "the proof is invalid",
    ),
    "a proof that is too long": _proof(
        lambda _, lines: b"\n".join(lines[:3] + lines[2:]),
        LEADS_NOWHERE, "the proof is invalid",
    ),
    "a proof that says more": _proof(
        lambda _, lines: b"\n".join([lines[0], b"extra eA==", *lines[1:]]),
        "it is no proof of the entry", "is no proof of leaf 3",
    ),
    "a proof that is missing": Row(
        lambda made: bundles.listed_again(_without("proofs/3.tlog-proof")(made)),
        "entries.jsonl, line 2: ", "entries.jsonl, line 3: there is no proof of it",
    ),
    "a part without an entry": Row(
        lambda made: bundles.part(made.desk, []),
        "entries.jsonl: it holds no entry, and so it proves nothing",
        "entries.jsonl: it has 0 entries, but the manifest says 0",
    ),
    "a part with an entry left out between two of its site": Row(
        lambda made: bundles.part(made.desk, [2, 4]),
        "entries.jsonl, line 2: number 3 of 'a.example' was due, and this is number 4",
        "entries.jsonl, line 2: it is entry 4 of 'a.example', and entry 3 is missing before it",
    ),
}  # fmt: skip


@pytest.mark.parametrize("row", FILES.values(), ids=FILES)
def test_each_file_is_what_its_place_demands(row: Row, made: Made, tmp_path: Path) -> None:
    _checked(row, made, tmp_path)


def test_a_file_that_is_missing_or_too_much_is_named(
    wrong: Verifier, made: Made, tmp_path: Path
) -> None:
    right = made.handed
    folder = tmp_path / "b"
    for name in right:
        left = {path: data for path, data in right.items() if path != name}
        named = "b" if name == "manifest.json" else name
        assert wrong(bundles.rewrite(left, folder))[0].startswith(f"{named}: it ")
        if name != "manifest.json":
            assert wrong(bundles.rewrite(bundles.listed_again(left), folder)), name
    for name in ("notes.txt", "policies/x", "tile/0/001", "tile/2/000.p/1", "proofs/1.tlog-proof"):
        more = right | {name: b"x"}
        [found] = wrong(bundles.rewrite(more, folder))
        assert found.startswith((f"{name}: ", f"{name!r}: "))
        assert "list" in found
        assert wrong(bundles.rewrite(bundles.listed_again(more), folder)), name


def test_a_manifest_that_names_what_lies_elsewhere_is_refused(
    wrong: Verifier, made: Made, tmp_path: Path
) -> None:
    for name in ("../x", "/etc/passwd", "tile/0/../../../x", "a//b", ""):
        listed = bundles.listed_again(made.whole | {name: b"x"})
        files = made.whole | {"manifest.json": listed["manifest.json"]}
        assert len(wrong(bundles.rewrite(files, tmp_path / "b"))) == 1, name


def test_each_field_of_the_manifest_is_compared_with_what_is_there(
    wrong: Verifier, made: Made, tmp_path: Path
) -> None:
    for field_, value in (
        ("entries", "19"), ("entries", 20), ("size", "21"), ("size", "020"), ("size", None),
        ("whole", False), ("whole", 1), ("format", "incidents-bundle/2"), ("files", []),
        ("more", "x"),
    ):  # fmt: skip
        said = json.loads(made.whole["manifest.json"]) | {field_: value}
        files = made.whole | {"manifest.json": bundles.canonical(said) + b"\n"}
        assert wrong(bundles.rewrite(files, tmp_path / "b")), (field_, value)


def test_what_is_no_plain_file_is_refused_and_never_opened(
    wrong: Verifier, made: Made, tmp_path: Path
) -> None:
    folder = bundles.write(made.whole, tmp_path / "b")
    (folder / "checkpoint").rename(tmp_path / "checkpoint")
    (folder / "checkpoint").symlink_to(tmp_path / "checkpoint")
    for _ in range(2):
        [found] = wrong(folder)
        assert "checkpoint" in found
        assert ": it is not a plain file" in found
        (folder / "checkpoint").unlink()
        os.mkfifo(folder / "checkpoint")


@pytest.mark.parametrize(
    "note",
    [
        "log.example/desk\n20\n{root}\n\n{line}\n",
        "log.example/desk\n020\n{root}\n\n{line}",
        "log.example/desk\n+20\n{root}\n\n{line}",
        "log.example/desk\n20\n{root}=\n\n{line}",
        "log.example/desk\n20\n\n{root}\n\n{line}",
        "log.example/desk\n20\n{root}\n{line}",
        "log.example/desk\n20\n{root}\n\n{line}{line}",
        "log.example/desk\n20\n{root}\n\n-{line}",
        "log.example/desk\r\n20\n{root}\n\n{line}",
        "\n20\n{root}\n\n{line}",
        "",
    ],
)
def test_a_checkpoint_is_read_in_its_one_form_alone(made: Made, note: str, tmp_path: Path) -> None:
    right = made.whole["checkpoint"].decode()
    line = LOG.line(right.partition("\n\n")[0] + "\n")
    changed = note.format(root=right.split("\n")[2], line=line).encode()
    assert changed != made.whole["checkpoint"]
    bundles.write(made.with_(made.whole, {"checkpoint": changed}), tmp_path)
    assert auditor.wrong(tmp_path)[0].startswith("checkpoint: ")
    assert verifying.wrong(tmp_path)[0].startswith("checkpoint: ")


# ── trees of each shape, and the tiles of their entries ──────────────────────────────────────────


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 513])
def test_trees_of_each_shape_are_found_right(
    wrong: Verifier, desk: Desk, size: int, tmp_path: Path
) -> None:
    record = bundles.many(desk, size)
    held = [bundles.head(record.entries[:n], LOG) for n in (0, 1, size // 2, size - 1, size)]
    assert wrong(bundles.write(bundles.whole(record), tmp_path), held=held) == []


@pytest.mark.parametrize("indexes", [[0], [19], [1, 9, 10], [0, 2, 3, 4, 5], [6], range(20)])
def test_a_part_is_found_right_by_its_proofs(
    wrong: Verifier, desk: Desk, indexes: list[int], tmp_path: Path
) -> None:
    files = bundles.part(desk, indexes, witnesses=[WITNESS])
    keys, witnesses, held = [LOG.vkey], [WITNESS.vkey], [files["checkpoint"]]
    bundles.write(files, tmp_path)
    assert wrong(tmp_path, keys=keys, witnesses=witnesses, held=held) == []


WIDTHS = {0: 256, 1: 256, 2: 88}
"""How many entries each tile of entries has, of 600."""


@pytest.fixture(scope="module")
def long(desk: Desk) -> Files:
    """The bundle of a log of three tiles; one site's entries, that nobody has decided."""
    return bundles.whole(bundles.many(desk, sum(WIDTHS.values())), witnesses=[WITNESS])


def _tile(n: int) -> str:
    return f"tile/entries/{n:03}" + ("" if WIDTHS[n] == 256 else f".p/{WIDTHS[n]}")


def _with_lines(files: Files, n: int, tile: bytes, lines: list[bytes]) -> Files:
    """With another tile of entries, and other lines in the place of its own."""
    every = files["entries.jsonl"].split(b"\n")[:-1]
    every[256 * n : 256 * n + WIDTHS[n]] = lines
    joined = b"".join(line + b"\n" for line in every)
    return bundles.listed_again(files | {_tile(n): tile, "entries.jsonl": joined})


@pytest.mark.parametrize("n", WIDTHS)
def test_a_tile_of_entries_that_is_blanked_with_its_lines_is_found(
    long: Files, n: int, tmp_path: Path
) -> None:
    """Each begins with a length that leads nowhere, as long as the manifest is made anew."""
    held, known = long["checkpoint"], [LOG.vkey]
    for filling in (b"\xff", b"\0", b"{"):
        blank = filling * (2 * WIDTHS[n])
        folder = bundles.rewrite(_with_lines(long, n, blank, [b""] * WIDTHS[n]), tmp_path / "b")
        line = f"entries.jsonl, line {256 * n + 1}: it is no JSON"
        assert auditor.wrong(folder, keys=known)[0].startswith(line)
        found = verifying.wrong(folder, keys=known, held=[held], policy=True)
        assert any(f"entry {256 * n}" in flaw or f"leaf {256 * n} " in flaw for flaw in found)
        assert any(flaw.startswith("held: it cannot be compared") for flaw in found), found


def test_all_tiles_of_entries_that_are_blanked_are_found(long: Files, tmp_path: Path) -> None:
    files = long
    for n, width in WIDTHS.items():
        files = _with_lines(files, n, b"\xff" * (2 * width), [b""] * width)
    bundles.write(files, tmp_path)
    assert auditor.wrong(tmp_path)
    found = verifying.wrong(tmp_path)
    for n, width in WIDTHS.items():
        sentence = f"the tile cannot be read as {width} entries: entry {256 * n} is not available"
        assert f"{_tile(n)}: {sentence}" in found


@pytest.mark.parametrize("n", [0, 2])
def test_a_tile_of_entries_of_another_length_is_found(
    wrong: Verifier, long: Files, n: int, tmp_path: Path
) -> None:
    tile, lines = long[_tile(n)], long["entries.jsonl"].split(b"\n")[:-1]
    lines = lines[256 * n : 256 * n + WIDTHS[n]]
    last = len(lines[-1])
    files = bundles.write(long, tmp_path / "b")
    changes = [tile[:-cut] for cut in (1, last, last + 1)]
    changes += [tile + more for more in (b"\0", b"\0\0", b"\xff\xff", b"\0\2{}")]
    for changed in changes:
        new = bundles.listed_again(long | {_tile(n): changed})
        bundles.write({name: new[name] for name in (_tile(n), "manifest.json")}, files)
        assert wrong(files), len(changed)
    # Also with the lines that go with it.
    assert wrong(bundles.rewrite(_with_lines(long, n, b"", []), files))
    short = tile[: -last - 2]
    for left in ([*lines[:-1], b""], lines[:-1]):
        found = wrong(bundles.rewrite(_with_lines(long, n, short, left), files))
        if wrong is verifying.wrong:
            leaf, width = 256 * n + WIDTHS[n] - 1, WIDTHS[n]
            sentence = f"the tile cannot be read as {width} entries: entry {leaf} is not available"
            assert f"{_tile(n)}: {sentence}" in found
        assert found


def test_a_tile_of_entries_that_is_blanked_beside_right_lines_is_found(
    wrong: Verifier, long: Files, tmp_path: Path
) -> None:
    new = bundles.listed_again(long | {_tile(2): b"\xff" * 2 * WIDTHS[2]})
    assert any(flaw.startswith(f"{_tile(2)}: ") for flaw in wrong(bundles.write(new, tmp_path)))
