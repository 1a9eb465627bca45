"""The command: runs the scenarios that are asked for, and tells what came of them."""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from bench import checkout, machine, table
from bench.arguments import ROUNDS, read
from bench.context import Context
from bench.databases import POSTGRESQL, SQLITE, Databases, PostgresqlDatabases, SqliteFiles
from bench.results import save
from bench.rounds import Rounds
from bench.rounds import document as trial_document
from bench.scenarios import NAMES
from bench.server import server


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs what is asked for; 0 if all of it worked, whatever the figures are."""
    asked = read(arguments)
    if asked.page:
        from bench import page

        return page.write(asked.json)
    # Whoever ends it finds no server left running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    given = sys.argv[1:] if arguments is None else arguments
    # Others have no use for a folder of this machine.
    typed = [Path(word).name if word.startswith("/") else word for word in given]
    typed_command = f"scripts/bench {shlex.join(typed)}".strip()
    if asked.against:
        from bench import against

        return against.run(asked, typed_command)
    results = run(asked, typed_command)
    print(_summary(results))
    return 1 if any(trial["failed"] for trial in results["trials"]) else 0


def run(asked: argparse.Namespace, command: str) -> dict[str, Any]:
    """Runs the scenarios one after the other, and tells of each as soon as it is done."""
    rounds = asked.rounds or ROUNDS[asked.size]
    with made(asked.db, asked.folder) as (databases, folder):
        context = Context(
            size=asked.size, rounds=rounds, databases=databases, folder=folder,
            only_ours=asked.only_ours,
        )  # fmt: skip
        results: dict[str, Any] = {
            "version": 1,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            **checkout.state(),
            "command": command,
            "size": asked.size,
            "rounds": rounds,
            "machine": machine.document(list(databases.values()), folder),
            "trials": [],
        }
        for name in asked.scenarios or NAMES:
            for trial in _trials(name, context):
                results["trials"].append(trial)
                print(table.text(trial), flush=True)
                save(asked.json, results)
    return results


def _trials(name: str, context: Context) -> Iterator[dict[str, Any]]:
    """The trials of a scenario; if it fails as a whole, one that says so."""
    try:
        for trial in import_module(f"bench.scenarios.{name}").trials(context):
            _tell(f"{name}, {trial.database}: {trial.title}")
            rounds = Rounds(trial)
            rounds.run(context.rounds, _tell)
            yield trial_document(rounds)
    except Exception as error:  # noqa: BLE001 - told in the report, and the next one goes on
        _tell_traceback()
        problem = {"contender": name, "error": f"{type(error).__name__}: {error}"}
        yield {
            "scenario": name, "database": "", "title": "could not be run", "rows": [],
            "targets": [], "failed": [problem], "left_out": [], "notes": [], "floor": [],
        }  # fmt: skip


@contextmanager
def made(
    only: str | None, folder: Path | None, settings: str = ""
) -> Iterator[tuple[dict[str, Databases], Path]]:
    """While it lasts, the kinds of database that are asked for, and the folder that they lie in.

    `settings`: more lines of the PostgreSQL server's configuration.
    """
    with ExitStack() as stack:
        place = Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(
                    prefix="incidents-bench-", dir=_disk(folder), ignore_cleanup_errors=True
                )
            )
        )
        # The user that the server runs as must find its way through.
        place.chmod(0o755)
        kinds: dict[str, Databases] = {}
        if only in (None, SQLITE):
            kinds[SQLITE] = SqliteFiles(place)
        if only in (None, POSTGRESQL):
            kinds[POSTGRESQL] = PostgresqlDatabases(stack.enter_context(server(place, settings)))
        yield kinds, place


def _disk(asked: Path | None) -> Path:
    """A folder on a real disk: what is kept in memory is durable at no cost."""
    candidates = [asked] if asked else [Path(tempfile.gettempdir()), Path("/var/tmp"), Path.cwd()]
    for folder in candidates:
        if machine.file_system(folder) not in ("tmpfs", "ramfs"):
            return folder
    raise SystemExit(f"no folder on a real disk among {', '.join(map(str, candidates))}: --folder")


def _summary(results: dict[str, Any]) -> str:
    lines = [
        f"  {trial['scenario']} · {trial['database']} · {trial['title']}: {table.sentence(target)}"
        for trial in results["trials"]
        for target in trial["targets"]
    ]
    return "\n".join([f"{len(lines)} targets:", *lines])


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _tell_traceback() -> None:
    import traceback

    traceback.print_exc()
