"""The documents of the desk's answers: what a command came to, and what is kept for its key."""

from __future__ import annotations

from typing import NotRequired

from typing_extensions import TypedDict

from incidents.contract.documents.acts import Event, Remark
from incidents.contract.documents.policies import Activated
from incidents.contract.documents.sites import Incident, Site
from incidents.values.json_object import JSONObject


class Outcome(TypedDict):
    """The site, the incidents that a command touched, and the events, in their state after it;
    `site` is null if none was found."""

    site: Site | None
    incident: Incident | None
    incidents: list[Incident]
    events: list[Event]
    remarks: list[Remark]


class AnswerOfKey(TypedDict):
    """An answer stored for its key; a refusal and a remark by its name, with its facts."""

    site: str
    site_id: int | None
    refusal: tuple[str, JSONObject] | None
    remarks: list[tuple[str, JSONObject]]
    document: Outcome


class Activation(Activated):
    """The policy that is now active: since when, by whom and why, with the number of its entry; a
    dry run has none of these."""

    activated_at: NotRequired[str]
    by: NotRequired[str]
    seq: NotRequired[int]
    reason: NotRequired[str | None]
