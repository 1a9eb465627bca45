"""The notices over HTTP: which there are, and how one would read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Depends, Path, Query

from incidents.api.caller import Caller
from incidents.api.entrance import looker
from incidents.api.operation import JSON, operation, router
from incidents.contract.documents import enforcement as clock_answers
from incidents.errors import InputError, RefusedError
from incidents.notices import customer_settings, notice_settings, preview, samples
from incidents.notices.facts import AnyFacts
from incidents.notices.letter import NOTICES
from incidents.values import inputs

if TYPE_CHECKING:
    pass


routes = router("notices")

Looking = Annotated[Caller, Depends(looker)]


class UnknownNoticeError(RefusedError):
    """no notice is called {given!r}; there are {known}"""


@routes.get("/notices", **operation("look", clock_answers.Notices))
def notices(by: Looking) -> JSON:  # noqa: ARG001 - who asks has been let in
    """Which notices there are: to whom each goes, and when."""
    return JSON({"items": [{"notice": name, **of._asdict()} for name, of in NOTICES.items()]})


@routes.get("/notices/{notice}/preview", **operation("look", clock_answers.Letters))
def read(
    by: Looking,
    notice: Annotated[str, Path(max_length=100, description="A notice's name.")],
    language: Annotated[Literal["zh_CN", "en"] | None, Query()] = None,
    incident: Annotated[str | None, Query(max_length=100)] = None,
    site: Annotated[str | None, Query(max_length=300)] = None,
) -> JSON:
    """How a notice would read; nothing is sent. The facts are made up, or of an incident, or what
    was last ordered of a site.

    These name the customer and have the link to their page: they need the act `give_link`, and go
    on record as revealed.
    """
    if site is not None and incident is not None:
        raise InputError("site and incident contradict each other: give one of them")
    if notice not in NOTICES:
        raise UnknownNoticeError(given=notice, known=", ".join(NOTICES))
    wording = notice_settings.wording(by.house.settings.zone)
    facts = _facts(by, notice, incident, site)
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


def _facts(by: Caller, notice: str, incident: str | None, site: str | None) -> AnyFacts:
    if incident is None and site is None:
        return samples.of(notice)
    key = None if incident is None else inputs.incident(incident)
    name = None if site is None else inputs.site(site)
    about = name or str(incident).strip()
    by.needs("give_link", about=about)
    by.reveals(about)
    with by.reading() as connection:
        now, link = by.house.now(connection), customer_settings.link()
        subject = (
            preview.of_site(connection, str(name)) if key is None else preview.of_incident(key)
        )
        return preview.of(connection, notice, subject, now, link).facts
