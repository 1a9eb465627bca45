"""The notices and the alarms over HTTP: how a notice would read, and what is alarming now."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Depends, Path, Query

from incidents import inputs
from incidents.api import answers
from incidents.api.caller import Caller, looker
from incidents.api.operation import JSON, operation, router
from incidents.errors import RefusedError
from incidents.notices import customer_settings, notice_settings, preview, samples
from incidents.notices.catalogue import NOTICES
from incidents.notices.facts import AnyFacts

routes = router("notices")

Looking = Annotated[Caller, Depends(looker)]


class UnknownNoticeError(RefusedError):
    """no notice is called {given!r}; there are {known}"""


@routes.get("/notices", **operation("look", answers.Notices))
def notices(by: Looking) -> JSON:  # noqa: ARG001 - who asks has been let in
    """Which notices there are: to whom each goes, and when."""
    return JSON({"items": [{"notice": name, **of._asdict()} for name, of in NOTICES.items()]})


@routes.get("/notices/{notice}/preview", **operation("look", answers.Letters))
def read(
    by: Looking,
    notice: Annotated[str, Path(max_length=100, description="A notice's name.")],
    language: Annotated[Literal["zh_CN", "en"] | None, Query()] = None,
    incident: Annotated[str | None, Query(max_length=100)] = None,
) -> JSON:
    """How a notice would read; nothing is sent. The facts are made up, or of an incident.

    That of an incident names its customer and has the link to their page: it needs the act
    `give_link`, and goes on record as revealed.
    """
    if notice not in NOTICES:
        raise UnknownNoticeError(given=notice, known=", ".join(NOTICES))
    wording = notice_settings.wording(by.house.settings.zone)
    facts = samples.of(notice) if incident is None else _of(by, notice, incident)
    languages = wording.languages if language is None else (language,)
    items = []
    for each in languages:
        letter = wording.alone(each).letter(notice, facts, "preview")
        items.append(
            {
                "notice": notice, "to": NOTICES[notice].to, "language": each,
                "subject": letter.subject, "text": letter.text.rstrip("\n"), "html": letter.html,
            }
        )  # fmt: skip
    return JSON({"items": items})


@routes.get("/alarms", **operation("look", answers.Alarms))
def alarms(by: Looking) -> JSON:
    """What is alarming now, the most urgent first, and whether the desk was told of it."""
    house = by.house
    with by.reading() as connection:
        now = house.now(connection)
        return JSON(house.views.alarms_now(connection, now, house.report_duty))


def _of(by: Caller, notice: str, incident: str) -> AnyFacts:
    key = inputs.incident(incident)
    by.needs("give_link", about=incident.strip())
    by.reveals(incident.strip())
    with by.reading() as connection:
        now, link = by.house.now(connection), customer_settings.link()
        return preview.of(connection, notice, preview.of_incident(key), now, link).facts
