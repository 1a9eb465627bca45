"""Outside verifiers: code that is not ours opens what we export, and refuses what is changed.

The code is Go's own for its transparency log (golang.org/x/mod/sumdb, in a small program here), and
spicy-litetlog, a program of Debian's package litetlog.
"""

import base64
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from incidents.audit.export import Selection
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.views.case import case_report
from tests.audit import bundles, signed_log
from tests.audit.bundles import FORGER, LOG, NEXT, WITNESS, Signer
from tests.databases import SqliteDatabases
from tests.desk.rehearsal import rehearsal
from tests.docs import pages
from tests.patience import PATIENCE_S

LONG = pytest.mark.long
SOURCE = Path(__file__).with_name("judge")


@dataclass(frozen=True)
class Judge:
    """The judge's program."""

    program: Path

    def finds(self, folder: Path, key: Signer, held: Path | None = None, by: Signer = LOG) -> str:
        """What it found right, or nothing; `held` was signed before, `by` that key."""
        more = [] if held is None else [str(held), by.vkey]
        words = [str(self.program), str(folder), key.vkey, *more]
        ran = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert (ran.returncode == 0) == (ran.stderr == ""), ran
        return "" if ran.returncode else ran.stdout


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Judge:
    """Compiled, which for the first time means Go's own library with it: some six seconds.

    It runs for moments, so it is neither optimised nor made ready for a debugger.
    """
    program = tmp_path_factory.mktemp("judge") / "judge"
    offline = {
        "GOCACHE": str(pytestconfig.cache.mkdir("go-build")), "GOFLAGS": "-mod=readonly",
        "GOPROXY": "off", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0",
    }  # fmt: skip
    built = subprocess.run(
        ["go", "build", "-gcflags=all=-N -l -dwarf=false", "-ldflags=-s -w", "-o", program, "."],
        cwd=SOURCE, env=os.environ | offline, capture_output=True, text=True,
        timeout=3 * PATIENCE_S, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    return Judge(program)


@dataclass(frozen=True)
class Exports:
    """What the program has exported: the whole record, the case of one site, and what was held."""

    whole: Path
    part: Path
    held: Path


@pytest.fixture(scope="module")
def exported(
    sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Exports:
    """A log of more than two tiles, whose key has changed, countersigned by a witness."""
    folder = tmp_path_factory.mktemp("exported")
    made = Exports(folder / "whole", folder / "part", folder / "held")
    with sqlite_databases.at_head() as url, rehearsal(url) as day:
        signed_log.a_case(day)
        made.held.write_bytes(signed_log.sign(day, witnesses=[WITNESS]))
        for _ in range(30):
            day.desk.submit([_log() for _ in range(20)])
        signed_log.put_key(day, NEXT, LOG)
        signed_log.sign(day, LOG, NEXT)
        day.give(c.RecordContact(by="li", outcome="no-answer", incident=1), "shop.example")
        signed_log.sign(day, NEXT, witnesses=[WITNESS])
        signed_log.export(day, made.whole)
        signed_log.export(day, made.part, case_report.order(Selection(site_id=1)))
    return made


@pytest.fixture
def exports(exported: Exports, tmp_path: Path) -> Exports:
    """A copy of these, to do with as one likes."""
    made = Exports(tmp_path / "whole", tmp_path / "part", tmp_path / "held")
    for name in ("whole", "part"):
        shutil.copytree(getattr(exported, name), getattr(made, name))
    shutil.copyfile(exported.held, made.held)
    return made


def _log() -> Envelope:
    return Envelope(site=f"{signed_log.CANARY}.example", command=c.Log(by="li", again=True))


@pytest.mark.long
def test_go_s_own_code_finds_what_is_exported_right_and_what_was_changed_wrong(
    judge: Judge, exports: Exports, tmp_path: Path
) -> None:
    """One test, so that one worker compiles it."""
    _opens_the_checkpoint_and_finds_each_entry_in_the_tiles(judge, exports)
    _proves_that_an_older_checkpoint_is_of_the_same_history(judge, exports, tmp_path)
    _finds_what_was_changed(judge, exports)
    _proves_each_entry_of_a_case(judge, exports)


def _opens_the_checkpoint_and_finds_each_entry_in_the_tiles(judge: Judge, exports: Exports) -> None:
    entries = len((exports.whole / "entries.jsonl").read_bytes().splitlines())
    assert entries > 512
    found = judge.finds(exports.whole, NEXT)
    assert found == f"{entries} entries, each in the tiles and under the root\n"
    for key in (LOG, FORGER):
        assert judge.finds(exports.whole, key) == ""


def _finds_what_was_changed(judge: Judge, exports: Exports) -> None:
    files = bundles.read(exports.whole)
    for name in files.keys() - {"manifest.json", "log.vkey"}:
        if name.startswith(("policies/", "handovers/")):
            continue
        for place in (0, len(files[name]) // 2, len(files[name]) - 2):
            bundles.write({name: bundles.flipped(files[name], place)}, exports.whole)
            assert judge.finds(exports.whole, NEXT) == "", (name, place)
        bundles.write({name: files[name]}, exports.whole)


def _proves_that_an_older_checkpoint_is_of_the_same_history(
    judge: Judge, exports: Exports, tmp_path: Path
) -> None:
    entries = (exports.whole / "entries.jsonl").read_bytes().splitlines()
    size = int(exports.held.read_text(encoding="utf-8").split("\n")[1])
    found = judge.finds(exports.whole, NEXT, exports.held)
    assert found.endswith(f"\nthe first {size} are those that were signed then\n")
    for size in (1, 255, 256, 257, 512, 600):
        (tmp_path / "right").write_bytes(bundles.head(entries[:size], LOG))
        assert judge.finds(exports.whole, NEXT, tmp_path / "right")
        others = [bundles.edited(entries[0], actor="nobody"), *entries[1:size]]
        (tmp_path / "wrong").write_bytes(bundles.head(others, LOG))
        assert judge.finds(exports.whole, NEXT, tmp_path / "wrong") == ""
    assert judge.finds(exports.whole, NEXT, exports.held, by=FORGER) == ""


def _proves_each_entry_of_a_case(judge: Judge, exports: Exports) -> None:
    entries = (exports.part / "entries.jsonl").read_bytes().splitlines(keepends=True)
    found = judge.finds(exports.part, NEXT)
    assert f"{len(entries)} entries, each proved under the root of" in found
    name = "entries.jsonl"
    bundles.write({name: b"".join([bundles.flipped(entries[0], 12), *entries[1:]])}, exports.part)
    assert judge.finds(exports.part, NEXT) == ""


def test_debian_s_spicy_litetlog_verifies_the_proof_of_each_entry_of_a_case(
    exports: Exports, tmp_path: Path
) -> None:
    entries = (exports.part / "entries.jsonl").read_bytes().splitlines()
    proofs = sorted((exports.part / "proofs").iterdir(), key=lambda file: int(file.stem))
    assert len(proofs) == len(entries) > 8
    for n, (entry, proof) in enumerate(zip(entries, proofs, strict=True)):
        # Its files have no line above that says what they are.
        _, _, rest = proof.read_bytes().partition(b"\n")
        (tmp_path / "entry.spicy").write_bytes(rest)
        wrong = [(entry, LOG, False), (bundles.flipped(entry, 20), NEXT, False)]
        for told, key, taken in [(entry, NEXT, True), *(wrong if n < 2 else ())]:
            (tmp_path / "entry").write_bytes(told)
            words = ["spicy-litetlog", "-verify", key.vkey, "entry"]
            ran = subprocess.run(
                words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False
            )
            assert (ran.returncode == 0) == taken, ran
            assert ("verified" in ran.stderr + ran.stdout) == taken


# ── the shell, as docs/how-to/verify-with-your-own-tools.md has it ───────────────────────────────

Shell = Callable[[str, bytes], bytes]
"""From a command and what it reads to what it writes."""

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "verify-with-your-own-tools.md"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Runs a command in a folder that has the page's scripts; raises if it fails."""
    for step in pages.read(PAGE):
        if isinstance(step, pages.WrittenFile):
            (tmp_path / step.name).write_text(step.text, encoding="utf-8")

    def run(command: str, given: bytes) -> bytes:
        ran = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, input=given, capture_output=True,
            timeout=PATIENCE_S, check=True,
        )  # fmt: skip
        assert ran.stderr == b""
        return ran.stdout

    return run


ENTRIES = [b'{"n":"%d","\xe4\xbe\x8b":"\\\\n%%s"}' % n for n in range(13)]


@pytest.mark.parametrize(
    "size", [1, 7, *(pytest.param(size, marks=LONG) for size in (2, 4, 8, 13))]
)
def test_the_shell_finds_the_root(shell: Shell, size: int) -> None:
    leaves = bundles.leaves(ENTRIES[:size])
    lines = b"".join(entry + b"\n" for entry in ENTRIES[:size])
    hashes = shell("bash leaves.sh", lines)
    assert hashes.decode().split() == [leaf.hex() for leaf in leaves]
    assert shell("bash root.sh", hashes).decode() == f"{bundles.root(leaves).hex()}\n"


@pytest.mark.parametrize("size", [1, 5, *(pytest.param(size, marks=LONG) for size in (2, 13))])
def test_the_shell_goes_the_way_of_each_proof(shell: Shell, size: int, tmp_path: Path) -> None:
    record = bundles.Desk(tuple(ENTRIES[:size]), {})
    root = bundles.root(bundles.leaves(record.entries)).hex().encode()
    for index in range(size):
        lines = ["c2sp.org/tlog-proof@v1", f"index {index}"]
        path = bundles.path(index, bundles.leaves(record.entries))
        lines += [base64.b64encode(hashed).decode() for hashed in path]
        above = "\n".join([*lines, "", ""]).encode()
        (tmp_path / "proof").write_bytes(above + bundles.head(record.entries, LOG))
        assert shell("bash prove.sh proof", record.entries[index] + b"\n").strip() == root
        assert shell("bash prove.sh proof", b"another\n").strip() != root
        longer = above[:-1] + b"A" * 43 + b"=\n\n"
        (tmp_path / "proof").write_bytes(longer + bundles.head(record.entries, LOG))
        with pytest.raises(subprocess.CalledProcessError):
            shell("bash prove.sh proof", record.entries[index] + b"\n")


def _blocks_below(heading: str) -> str:
    """The commands below a heading of the page that its own session has no use for."""
    section = (
        PAGE.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    )
    return "\n".join(re.findall(r"```sh\n(.*?)```", section, re.DOTALL))


def test_the_shell_checks_a_witness_and_a_new_key(
    exports: Exports, shell: Shell, tmp_path: Path
) -> None:
    (exports.whole).rename(tmp_path / "march")
    shell("sed '/^$/,$d' march/checkpoint > text", b"")
    told = shell(_blocks_below("A witness"), b"").decode()
    assert told.startswith("Signature Verified Successfully\n")
    assert "2026" in told
    handed = shell(_blocks_below("A new key"), b"").decode()
    assert handed.splitlines()[-1] == f"{LOG.vkey} gave way to {NEXT.vkey}"
