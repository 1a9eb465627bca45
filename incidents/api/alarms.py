"""The alarms over HTTP: what is alarming now, a trial of them, and who enforces the clock."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Depends

from incidents import clock
from incidents.api import answers
from incidents.api.caller import Caller, looker
from incidents.api.incidents import duty_of_settings
from incidents.api.operation import JSON, operation, router
from incidents.api.turn import TRYING
from incidents.documents import plain
from incidents.notices import notice_settings, trial
from incidents.store import alarms as raised_alarms
from incidents.views.alarms import alarming
from incidents.words import When

routes = router("alarms")

Looking = Annotated[Caller, Depends(looker)]


@routes.get("/alarms", **operation("look", answers.Alarms))
def alarms(by: Looking) -> JSON:
    """What is alarming now, the most urgent first, and whether the desk was told of it."""
    report = duty_of_settings()
    with by.reading() as connection:
        raised = raised_alarms.known(connection)
        look = alarming(connection, by.house.now(connection), report)
    items: list[dict[str, Any]] = []
    for alarm in look.alarms:
        known = raised.get(alarm.key)
        own = {name: plain(value) for name, value in asdict(alarm).items()}
        told = {
            "raised_at": plain(known and known.raised_at),
            "attempts_to_tell": 0 if known is None else known.attempts,
            "told_at": plain(known and known.told_at),
        }
        items.append({"key": alarm.key, **own, **told})
    return JSON({"items": items, "capped": sorted(look.capped)})


@routes.post("/alarms/test", **operation("try_alarms", answers.Tried, acting=True))
def test(by: Looking) -> JSON:
    """Send a trial through each channel to the desk, whatever the hour, and say what came of it.

    A channel has 18 seconds to take it.
    """
    desk, now = notice_settings.to_desk(by.house.settings.zone), clock.now()
    when = When(zone=by.house.settings.zone, now=now)
    with TRYING.taken():
        return JSON({"items": list(trial.send(desk, now, when))})


@routes.get("/enforcement", **operation("look", answers.Enforcement))
def enforcement(by: Looking) -> JSON:
    """Whether a daemon enforces the clock, each that was heard of, and what is overdue."""
    with by.reading() as connection:
        return JSON(by.house.views.enforcement(connection, by.house.now(connection)))
