"""The alarms over HTTP: what is alarming now, a trial of them, and who enforces the clock."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends

from incidents import clock
from incidents.api.caller import Caller
from incidents.api.entrance import looker
from incidents.api.limits import TRYING
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import enforcement as clock_answers
from incidents.locale.words import When
from incidents.notices import notice_settings, trial

routes = router("alarms")

Looking = Annotated[Caller, Depends(looker)]


@routes.get("/alarms", **operation("look", clock_answers.Alarms))
def alarms(by: Looking) -> JSON:
    """What is alarming now, the most urgent first, and whether the desk was told of it."""
    house = by.house
    with by.reading() as connection:
        return JSON(house.views.alarms_now(connection, house.now(connection), house.report_duty))


@routes.post("/alarms/test", **operation("try_alarms", clock_answers.Tried, acting=True))
def test(by: Looking) -> JSON:
    """Send a trial through each channel to the desk, whatever the hour, and say what came of it.

    A channel has 18 seconds to take it.
    """
    desk, now = notice_settings.to_desk(by.house.settings.zone), clock.now()
    when = When(zone=by.house.settings.zone, now=now)
    with TRYING.taken():
        return JSON({"items": list(trial.send(desk, now, when))})


@routes.get("/enforcement", **operation("look", clock_answers.Enforcement))
def enforcement(by: Looking) -> JSON:
    """Whether a daemon enforces the clock, each that was heard of, and what is overdue."""
    with by.reading() as connection:
        return JSON(by.house.views.enforcement(connection, by.house.now(connection)))
