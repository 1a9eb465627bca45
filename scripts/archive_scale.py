"""Measure the archive at scale: sizes, verification, `why` and logging, as ratios.

The story of one site is copied to many sites by SQL, or told to each through the desk; the program
numbers, signs and archives the entries. All is measured beside a small database.

    python -m scripts.archive_scale 12000000 /a/folder
    python -m scripts.archive_scale 3000000 /a/folder --by-desk
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

from incidents.app import App
from incidents.audit import archiving
from incidents.audit.log import sequencer, signing
from incidents.audit.proof import signed_check, verification
from incidents.audit.proof.verdict import VerifyOptions
from incidents.audit.split import replayed
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.settings import sources
from incidents.store import checkpoints
from incidents.store.archive.parts import archive_of
from incidents.store.database import schema
from incidents.store.database.engine import create, reading
from incidents.testing import Rehearsal as ToldClock
from incidents.testing import rehearsal
from incidents.tlog.tree import leaf_hash
from tests.audit.log_rig import LogRig

OLD = datetime(2025, 1, 1, 2, tzinfo=UTC)
TEMPLATE = "template.example"
A_DAY = 8_200
"""The entries of a day with 2,000 incidents."""
_TRIES, _BATCH = 60, 500

T = TypeVar("T")


def story(rig: LogRig, clock: ToldClock, sites: Sequence[str]) -> None:
    """Some thirty entries a site: incidents, calls, a suspension, a closure, their orders."""
    give(rig, sites, c.AddSite(by="li"))
    for n in range(1, 4):
        give(rig, sites, c.Log(by="li", category="gambling", again=True))
        give(rig, sites, c.RecordContact(by="wang", incident=n, outcome="reached"))
        give(rig, sites, c.StateRemoved(by="li", incident=n))
        clock.later(days=3)
    give(rig, sites, c.Log(by="li", again=True))
    clock.later(hours=2)
    elapse(rig)
    clock.later(hours=13)
    elapse(rig)
    give(rig, sites, c.StateRemoved(by="li", incident=4))
    # Closed under R1, so that `why` looks up the entry that closed it.
    for _ in range(3):
        give(rig, sites, c.Log(by="li", again=True))
    settle(rig)


def elapse(rig: LogRig) -> None:
    while rig.desk.elapse():
        pass
    settle(rig)


def settle(rig: LogRig) -> None:
    with reading(rig.engine) as connection:
        asked = "SELECT name, site_seq, lane FROM deliveries JOIN sites ON sites.id = site_id"
        rows = connection.exec_driver_sql(f"{asked} ORDER BY site_id, site_seq, lane").all()
    submit(rig, [
        (site, c.RecordDelivery(
            order=order, lane=lane, adapter="panel", attempts=1, enforced=lane == "act"
        ))
        for site, order, lane in rows
    ])  # fmt: skip


def give(rig: LogRig, sites: Sequence[str], command: c.Command) -> None:
    submit(rig, [(site, command) for site in sites])


def submit(rig: LogRig, commands: Sequence[tuple[str, c.Command]]) -> None:
    for each in batched(commands, _BATCH):
        envelopes = [Envelope(site=site, command=one, login="desk1") for site, one in each]
        for answer in rig.desk.submit(envelopes):
            if answer.refusal is not None:
                raise SystemExit(f"{answer.refusal}")


def batched(given: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(given), most):
        yield given[start : start + most]


def copy(file: Path, sites: int) -> None:
    """Copy the site's rows to so many more sites."""
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.create_function("leaf", 1, lambda body: leaf_hash(body.encode()), deterministic=True)
        raw.execute("PRAGMA synchronous = OFF")
        [(own,)] = raw.execute("SELECT id FROM sites WHERE name = ?", (TEMPLATE,)).fetchall()
        raw.execute("CREATE TEMP TABLE copies (k INTEGER PRIMARY KEY)")
        raw.executemany("INSERT INTO copies VALUES (?)", ((own + n,) for n in range(1, sites + 1)))
        raw.execute("BEGIN IMMEDIATE")
        insert(raw, "sites", {"id": "k", "name": "'site-' || k || '.example'"}, own, "id")
        tables = raw.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        new = {"site_id": "k", "data": copied("data", own)}
        for (table,) in tables:
            columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
            if "site_id" in columns and table not in {"entries", "sealed"}:
                insert(raw, table, new, own, "site_id")
        body = copied("body", own)
        new = {"id": "NULL", "site_id": "k", "body": body, "leaf_hash": f"leaf({body})"}
        insert(raw, "entries", new, own, "site_id")
        raw.execute("COMMIT")


def copied(column: str, own: int) -> str:
    """The column's text, with the ids and the name of the copy."""
    text = f"replace({column}, '\"{own}-', '\"' || k || '-')"
    text = f'replace({text}, \'"site_id":"{own}"\', \'"site_id":"\' || k || \'"\')'
    return f"replace({text}, '{TEMPLATE}', 'site-' || k || '.example')"


def insert(raw: sqlite3.Connection, table: str, new: dict[str, str], own: int, key: str) -> None:
    columns = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
    values = ", ".join(new.get(name, f'"{name}"') for name in columns)
    order = "site_seq, k" if "site_seq" in columns else "k"
    rows = f"SELECT {values} FROM {table}, copies WHERE {table}.{key} = {own} ORDER BY {order}"  # noqa: S608 - names of ours
    raw.execute(f"INSERT INTO {table} {rows}")


def grown(folder: Path, entries: int, *, by_desk: bool = False) -> tuple[LogRig, ToldClock, Any]:
    """A desk with about so many entries, signed."""
    folder.mkdir(parents=True)
    url = f"sqlite:///{folder}/desk.db"
    made = create(url, make=True)
    schema.upgrade(made)
    made.dispose()
    told = rehearsal(OLD)
    clock = told.__enter__()
    rig = LogRig(url, folder, clock)
    rig.make_key()
    story(rig, clock, [TEMPLATE])
    with reading(rig.engine) as connection:
        each = connection.exec_driver_sql("SELECT seq FROM sites").scalar() or 1
    many = max(1, entries // each)
    if by_desk:
        story(rig, clock, [f"site-{k + 2}.example" for k in range(many)])
    else:
        copy(folder / "desk.db", many)
    clock.later(days=430)
    rig.sign(at_once=True)
    return rig, clock, told


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """The processor seconds of the work, also in other processes, and its result."""
    begun = used()
    found = work()
    return used() - begun, found


def used() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def verified(rig: LogRig, **asked: Any) -> float:
    seconds, found = timed(lambda: verification.database(rig.engine, VerifyOptions(**asked)))
    if found.findings:
        raise SystemExit("\n".join(map(str, found.findings[:5])))
    say("verified", processor_s=seconds, entries=found.entries, sites=found.sites,
        parts=found.archive, since=found.since)  # fmt: skip
    return seconds


def looks(rig: LogRig, sites: list[str]) -> dict[str, float]:
    """Processor milliseconds, in the middle: `site why`, the queue, and logging one."""
    settings = sources.load(db=str(rig.engine.url), environ=dict(os.environ))
    app, found = App(settings), {}
    whys, stories, queues, logs = [], [], [], []
    for site in sites:
        with app.queries() as queries:
            whys.append(timed(lambda site=site: queries.why(site))[0])  # type: ignore[misc]
        with app.queries() as queries:
            key = queries.site(site)["id"], 1
            stories.append(timed(lambda key=key: list(queries.timeline(*key)))[0])  # type: ignore[misc]
        with app.queries() as queries:
            queues.append(timed(lambda: queries.queue(limit=100))[0])
        logs.append(timed(lambda site=site: give(rig, [site], c.Log(by="li", again=True)))[0])  # type: ignore[misc]
    for name, times in (("why", whys), ("story", stories), ("queue", queues), ("log", logs)):
        found[name] = round(median(times) * 1000, 2)
    return found


def say(what: str, **facts: Any) -> None:
    shown = {k: round(v, 2) if isinstance(v, float) else v for k, v in facts.items()}
    print(json.dumps({what: shown}, default=str), flush=True)


def names(rig: LogRig) -> list[str]:
    with reading(rig.engine) as connection:
        asked = f"SELECT name FROM sites WHERE name <> '{TEMPLATE}' ORDER BY id LIMIT {_TRIES}"  # noqa: S608 - of ours
        return list(connection.exec_driver_sql(asked).scalars())


def size(file: Path) -> int:
    return sum(each.stat().st_size for each in file.parent.glob(file.name + "*"))


def main() -> None:
    many, folder, by_desk = int(sys.argv[1]), Path(sys.argv[2]), "--by-desk" in sys.argv
    small, _, told = grown(folder / "small", 20_000)
    before = looks(small, names(small))
    say("small", **before)
    told.__exit__(None, None, None)
    seconds, (rig, clock, told) = timed(lambda: grown(folder / "large", many, by_desk=by_desk))
    file = folder / "large" / "desk.db"
    say("made", processor_s=seconds, bytes=size(file))
    verified(rig)
    say("large without parts", **looks(rig, names(rig)))
    settle(rig)
    rig.sign(at_once=True)
    begun = used()
    moves: list[float] = []
    original = archiving._move  # noqa: SLF001 - to time it

    def move(*given: Any) -> None:
        moves.append(timed(lambda: original(*given))[0])

    archiving._move = move  # type: ignore[assignment]  # noqa: SLF001 - to time it
    found = list(archiving.archive(rig.engine, clock.now - timedelta(days=400), lambda: clock.now))
    say("archived", processor_s=used() - begun, parts=len(found) - 1, end=found[-1],
        longest_lock_s=max(moves), median_lock_s=median(moves))  # fmt: skip
    with reading(rig.engine) as connection:
        parts, last = archive_of(connection).folder, checkpoints.last(connection)
        assert last is not None
        held = signed_check.read(last.note.encode(), "held")
    with closing(sqlite3.connect(file, isolation_level=None)) as raw:
        raw.execute("VACUUM")
    say("sizes", database=size(file), parts=sum(each.stat().st_size for each in parts.iterdir()))
    verified(rig)
    after = looks(rig, names(rig))
    say("large with parts", **after)
    say("ratio", **{name: after[name] / before[name] for name in before})
    give(rig, [f"site-{k + 2}.example" for k in range(A_DAY // 4)], c.Log(by="li", again=True))
    clock.later(hours=1)
    sequencer.number_all(rig.engine)
    signing.sign(rig.engine, rig.ring, clock.now, at_once=True)
    verified(rig, since=held)
    seconds, result = timed(lambda: replayed(rig.engine))
    say(
        "replayed",
        processor_s=seconds,
        entries=result.entries,
        findings=[str(each) for each in result.findings[:2]],
    )
    told.__exit__(None, None, None)


if __name__ == "__main__":
    main()
