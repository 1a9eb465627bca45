"""The document of the desk's answers: what a command came to."""

from __future__ import annotations

from typing_extensions import TypedDict

from incidents.contract.documents.acts import Event, Remark
from incidents.contract.documents.sites import Incident, Site


class Outcome(TypedDict):
    """The site, the incidents that a command touched, and the events, in their state after it;
    `site` is null if none was found."""

    site: Site | None
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]
