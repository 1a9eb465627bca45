"""Early: daemons and operators whose clocks are up to two seconds away from the database's.

Real daemons live by clocks that are moved, and an operator's desk is as far ahead as any of them.
It acts on whatever site is due next, since an act does what is due first. The server notes by its
own clock when it is given what was timed. None of that may be at its due time, or before.
"""

import random
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from incidents import clock
from incidents.desk import Desk, Envelope
from incidents.machine.commands import AddNote, AddSite, Command, Log
from tests.acceptance.daemons import clock_moved, daemon, engine_of, heartbeats_of
from tests.databases import compares_clocks, postgresql_server
from tests.patience import until

UNIT = "due times"
SITES = 400
APART_S = 1.8
"""A daemon that is further away than two seconds stands aside, and measures some of them itself."""

_POLICY = """
[unreachable]
within = "5s"
suspend_for = "4s"
"""
_AT_ONCE = 5
_MOST_LOOKS = 60_000
_TIMED = ("clock_lapsed", "suspension_ended")

_NOTE = f"""
CREATE TABLE noted (kind text, due timestamptz, decided_at timestamptz, at timestamptz);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE entry jsonb := NEW.body::jsonb; BEGIN
    IF entry ->> 'kind' IN {_TIMED} THEN
        INSERT INTO noted VALUES (
            entry ->> 'kind', (entry ->> 'occurred_at')::timestamptz,
            (entry ->> 'recorded_at')::timestamptz, clock_timestamp()
        );
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER note AFTER INSERT ON entries FOR EACH ROW EXECUTE FUNCTION note();
"""


def chunk(seed: int, folder: Path) -> Counter[str]:
    """Suspend and open some hundred sites, each in its time."""
    with postgresql_server() as databases, databases.at_head() as url:
        return drawn(compares_clocks(url), seed, folder, SITES, daemons=1 + seed % 3)


def drawn(url: str, seed: int, folder: Path, count: int, *, daemons: int) -> Counter[str]:
    """Draw such sites and daemons, on an empty database that compares clocks.

    Raises:
        AssertionError: with the seed and what was early.
    """
    chance = random.Random(f"early {seed}")
    ahead_s = [APART_S, *(chance.uniform(-APART_S, APART_S) for _ in range(daemons - 1))]
    with ExitStack() as stack:
        engine = stack.enter_context(engine_of(url))
        let_the_server_note(engine)
        operator = Desk(engine, clock=lambda: clock.now() + timedelta(seconds=APART_S))
        operator.activate(_POLICY, by="operator-1", login=None, reason="fire", key="policy")
        started = [
            stack.enter_context(daemon(url, folder, env=clock_moved(timedelta(seconds=each))))
            for each in ahead_s
        ]
        until(lambda: _enforcing(engine) == daemons, "all daemons enforce the clock")
        _operate(engine, operator, [f"s{n}.example" for n in range(count)])
        decided = sum(line["kind"] in _TIMED for each in started for line in each.lines("decided"))
        assert (wrong := early(engine)) == [], f"seed {seed}, {ahead_s} s ahead: {wrong}"
        return Counter({
            UNIT: noted(engine), "met by daemons": decided, "early": 0, "daemons": daemons,
            f"met within {APART_S} s": _close(engine),
        })  # fmt: skip


def _operate(engine: Engine, desk: Desk, names: Sequence[str]) -> None:
    """Log on all of them, and act on what is due next, until all is done."""
    waiting = list(names)

    def all_is_done() -> bool:
        some = waiting[:_AT_ONCE]
        del waiting[:_AT_ONCE]
        first = (AddSite(by="li"), Log(by="li"))
        acts: list[tuple[str, Command]] = [(name, act) for name in some for act in first]
        next_due = _next_due(engine)
        if next_due is not None:
            acts.append((next_due, AddNote(by="li", incident=1, audience="desk", text="seen")))
        if acts:
            answers = desk.submit([Envelope(site=name, command=act) for name, act in acts])
            assert [each.refusal for each in answers if each.refusal is not None] == []
        return noted(engine) == len(_TIMED) * len(names)

    until(all_is_done, "each site is suspended and opened again", looks=_MOST_LOOKS)


def let_the_server_note(engine: Engine) -> None:
    """By its own clock, when it is given each entry that was timed."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_NOTE)


def early(engine: Engine) -> list[tuple[object, ...]]:
    """The orders that the server got, or the record decided, at their due time or before it."""
    asked = "SELECT kind, due, decided_at, at FROM noted WHERE least(decided_at, at) <= due"
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(asked))]


def noted(engine: Engine) -> int:
    """Count the timed rows that the server got."""
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM noted")) or 0)


def _close(engine: Engine) -> int:
    """Count the orders that would have been early by a clock that far ahead."""
    asked = f"SELECT count(*) FROM noted WHERE at < due + interval '{APART_S} s'"
    with engine.connect() as connection:
        return int(connection.scalar(text(asked)) or 0)


def _next_due(engine: Engine) -> str | None:
    asked = "SELECT name FROM sites WHERE next_due IS NOT NULL ORDER BY next_due, id LIMIT 1"
    with engine.connect() as connection:
        found: str | None = connection.scalar(text(asked))
        return found


def _enforcing(engine: Engine) -> int:
    return sum(beat.standing_aside is None for beat in heartbeats_of(engine))
