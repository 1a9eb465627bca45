"""A desk with old days and a new one: more than two parts of entries that can be archived."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from incidents.audit import archiving, export
from incidents.audit.archive_plan import End
from incidents.audit.archiving import Made
from incidents.audit.export import Selection
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.machine.commands import Command
from incidents.settings.archive import MINIMUM
from incidents.store.database.engine import reading
from tests.audit.bundles import LOG
from tests.audit.signed_log import put_key, sign
from tests.audit.tampering import FOUR
from tests.desk.rehearsal import Rehearsal

PART = 256
"""The entries of a part in these tests."""

SITES = [f"site-{n:02}.example" for n in range(24)]
LATER = SITES[:4]
"""The sites that go on after the old days."""


HELD = SITES[9]
"""The site that is held after the old days."""


def fill(day: Rehearsal) -> None:
    """Old days of 24 sites, settled and signed; sixty days later four of them go on."""
    put_key(day, LOG)
    phone = "010 5555 0100"
    give(day, ((site, c.AddSite(by="li", phone=phone, person="Wang")) for site in SITES))
    for n in range(1, 6):
        give(day, ((site, c.Log(by="li", note="seen", again=True)) for site in SITES[::2]))
        give(day, ((site, c.Log(by="wang", category="gambling")) for site in SITES[1::2]))
        reached = c.RecordContact(by="wang", incident=n, outcome="reached", note="told")
        give(day, ((site, reached) for site in SITES[1::2]))
        give(day, ((site, c.StateRemoved(by="li", incident=n)) for site in SITES[1::2]))
        if n == 2:
            day.desk.activate(FOUR, by="li", login="desk1", reason="agreed")
        day.later(hours=2)
        day.elapse()
        settle(day)
        day.later(hours=13)
        day.elapse()
        settle(day)
        # Apart from those before, so that nobody is closed for them.
        day.later(days=2)
    sign(day)
    day.later(days=60)
    give(day, ((site, c.Log(by="li", again=True)) for site in LATER))
    give(day, [(HELD, c.SetHold(by="li", reason="ordered"))])
    settle(day)
    sign(day)


def give(day: Rehearsal, commands: Iterable[tuple[str, Command]]) -> None:
    """Let the desk do this at once; it refuses nothing."""
    asked = [Envelope(site=site, command=each, login="desk1") for site, each in commands]
    refused = [answer.refusal for answer in day.desk.submit(asked) if answer.refusal]
    assert refused == []


def settle(day: Rehearsal) -> None:
    """Carry out all orders that wait."""
    waiting = day.rows(
        "SELECT name, site_seq, lane FROM deliveries JOIN sites ON sites.id = site_id"
        " ORDER BY site_id, site_seq, lane"
    )
    give(day, ((str(site), _delivered(int(str(seq)), str(lane))) for site, seq, lane in waiting))


def _delivered(order: int, lane: str) -> Command:
    return c.RecordDelivery(
        order=order, lane=lane, adapter="panel", attempts=1, enforced=lane == "act"
    )


def archived(day: Rehearsal, *, many: int = PART, before: datetime | None = None) -> list[Made]:
    """Archive all that is old enough."""
    *made, end = archiving.archive(
        day.engine, before or day.now - MINIMUM, lambda: day.now, many=many
    )
    assert isinstance(end, End)
    found = [each for each in made if isinstance(each, Made)]
    assert len(found) == len(made)
    return found


def end(day: Rehearsal, *, many: int = PART, before: datetime | None = None) -> End:
    """Why archiving stops, after all that can be archived is."""
    *_, last = archiving.archive(
        day.engine, before or day.now - MINIMUM, lambda: day.now, many=many
    )
    assert isinstance(last, End)
    return last


def exported(day: Rehearsal, wanted: Selection | None = None) -> bytes:
    """The export of these entries, all if none are named."""
    with reading(day.engine) as connection:
        return b"".join(export.jsonl(export.stored(connection, wanted or Selection())))


def entries(day: Rehearsal) -> Iterator[dict[str, Any]]:
    """All entries, decoded."""
    return map(json.loads, exported(day).splitlines())


def folder_of(part: Path) -> str:
    """The settings that name that folder for parts."""
    return f'[archive]\nfolder = "{part}"\n'
