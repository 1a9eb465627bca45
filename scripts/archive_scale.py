"""Measure the archive at scale: sizes, verification, `why` and logging, as ratios.

A desk's years are played, day after day, through the desk: each site has the same story of some
weeks. The program numbers, signs and archives the entries. Beside it a small database is measured.

    python -m scripts.archive_scale 3000000 /a/folder
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
from incidents.store.archive.parts import archive_of
from incidents.store.database import schema
from incidents.store.database.engine import create, reading
from incidents.store.log import checkpoints
from incidents.testing import Rehearsal as ToldClock
from incidents.testing import rehearsal
from tests.audit.log_rig import LogRig

OLD = datetime(2025, 1, 1, 2, tzinfo=UTC)
STORY, UNREACHED = 10, 4
"""The days of a site's story, and the number of its incident about which nobody is reached."""
A_COHORT, A_DAY = 235, 8_225
"""The sites whose story begins on one day, and the entries of all their stories: those of a day
with some 2,000 incidents."""
_TRIES, _BATCH = 60, 500

T = TypeVar("T")


def days(rig: LogRig, clock: ToldClock, many: int) -> None:
    """So many days: on each, some sites have their first incident, and others their next one."""
    for day in range(many + STORY - 1):
        for step in range(0, STORY, 3):
            if 0 <= day - step < many:
                log(rig, cohort(day - step), step // 3 + 1)
        last = cohort(day - STORY + 1) if day >= STORY - 1 else []
        clock.later(hours=2)
        elapse(rig)
        clock.later(hours=13)
        elapse(rig)
        give(rig, last, c.StateRemoved(by="li", incident=UNREACHED))
        # Closed under R1, so that `why` looks up the entry that closed it.
        for _ in range(3):
            give(rig, last, c.Log(by="li", again=True))
        settle(rig)
        clock.later(hours=9)


def cohort(day: int) -> list[str]:
    """The sites whose story begins on that day."""
    return [f"site-{day * A_COHORT + n}.example" for n in range(A_COHORT)]


def log(rig: LogRig, sites: Sequence[str], incident: int) -> None:
    """An incident of each of the sites; nobody answers the calls about the last one."""
    if incident == 1:
        give(rig, sites, c.AddSite(by="li"))
    give(rig, sites, c.Log(by="li", category="gambling", again=True))
    if incident < UNREACHED:
        give(rig, sites, c.RecordContact(by="wang", incident=incident, outcome="reached"))
        give(rig, sites, c.StateRemoved(by="li", incident=incident))


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


def grown(folder: Path, entries: int) -> tuple[LogRig, ToldClock, Any]:
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
    days(rig, clock, max(1, round(entries / A_DAY)))
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


def names() -> list[str]:
    return [f"site-{n}.example" for n in range(_TRIES)]


def size(file: Path) -> int:
    return sum(each.stat().st_size for each in file.parent.glob(file.name + "*"))


def main() -> None:
    many, folder = int(sys.argv[1]), Path(sys.argv[2])
    small, _, told = grown(folder / "small", 20_000)
    before = looks(small, names())
    say("small", **before)
    told.__exit__(None, None, None)
    seconds, (rig, clock, told) = timed(lambda: grown(folder / "large", many))
    file = folder / "large" / "desk.db"
    say("made", processor_s=seconds, bytes=size(file))
    verified(rig)
    say("large without parts", **looks(rig, names()))
    settle(rig)
    rig.sign(at_once=True)
    begun = used()
    moves: list[float] = []
    original = archiving._move  # noqa: SLF001 - to time it

    def move(*given: Any) -> Any:
        seconds, part = timed(lambda: original(*given))
        moves.append(seconds)
        return part

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
    after = looks(rig, names())
    say("large with parts", **after)
    say("ratio", **{name: after[name] / before[name] for name in before})
    give(rig, [f"site-{n}.example" for n in range(A_DAY // 4)], c.Log(by="li", again=True))
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
