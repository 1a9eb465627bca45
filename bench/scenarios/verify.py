"""Verifying an exported log, beside a bare loop over the same file.

Measured: entries a second, and the memory at its peak, of whole processes over one bundle:
`incidents audit verify DIR` with the policy decided again, and with `--no-policy` (hashes, tree,
signatures, structure); and of a loop that parses each line of `entries.jsonl` with json.loads and
hashes it with hashlib, which proves nothing. The one-file verifier, `scripts/verify_export.py`,
runs beside them.

The record is that of `export`. Not measured: a database in place of a bundle, and archives.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import log, record
from bench.context import Context
from bench.databases import SQLITE
from bench.program import INCIDENTS, measured
from bench.trial import Contender, Figure, Role, Target, Trial

PEAK = "peak memory"
_LOOP = """
import hashlib, json, sys
with open(sys.argv[1], "rb") as lines:
    for line in lines:
        json.loads(line)
        hashlib.sha256(line).digest()
"""
_ONE_FILE = Path(__file__).parents[2] / "scripts" / "verify_export.py"


def trials(context: Context) -> Iterator[Trial]:
    """A bundle has no kind of database: it is made from the first that was asked for."""
    wanted = context.of_size(tiny=300, small=50_000, full=1_000_000)
    databases = context.databases.get(SQLITE) or next(context.each())
    folder, key = context.folder / "bundle", context.folder / "verify.key"
    with databases.new() as url:
        entries = record.write(url, wanted)
        log.make_key(url, key)
        log.incidents("audit", "checkpoint", url=url, key=key)
        log.incidents("audit", "export", "--format", "bundle", "-o", str(folder), url=url, key=key)
    verify = [*INCIDENTS, "audit", "verify", str(folder)]
    yield Trial(
        scenario="verify",
        database="bundle",
        title=f"{entries:,} entries",
        contenders=[
            _process(
                "bare loop", "floor",
                [sys.executable, "-c", _LOOP, str(folder / "entries.jsonl")], entries,
            ),
            _process("hashes and structure", "ours", [*verify, "--no-policy"], entries),
            _process("with the policy", "ours", verify, entries),
            _process(
                "one-file verifier", "ours", [sys.executable, str(_ONE_FILE), str(folder)], entries
            ),
        ],
        targets=[
            Target(of="hashes and structure", against="bare loop", at_least=0.7),
            Target(of="with the policy", against="bare loop", at_least=0.15),
            Target(of=f"with the policy, {PEAK}", at_most=300.0),
        ],
    )  # fmt: skip


def _process(label: str, role: Role, command: Sequence[str], entries: int) -> Contender:
    def once() -> list[Figure]:
        ended = measured(command)
        return [
            Figure(label, entries / ended.took_s, "entries/s"),
            Figure(f"{label}, {PEAK}", ended.peak_mib, "MiB"),
        ]

    return Contender(name=label, role=role, run=once)
