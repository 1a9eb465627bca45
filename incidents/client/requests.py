"""The requests: where each command of the desk is asked for over HTTP, and in which words."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any

from incidents.client.faults import NotOverServerError
from incidents.client.http import part
from incidents.clock import rfc3339
from incidents.desk.envelope import Envelope
from incidents.machine import commands as c
from incidents.machine.commands import Command
from incidents.machine.ids import contact_id, incident_id, order_id, task_id
from incidents.web_address import as_written

# They stand in the path, or are the server's own to say.
_NOT_SAID = frozenset(
    {"by", "incident", "contact", "item", "task", "order", "lane", "why", "tried", "written"}
)
_OF_SITE: dict[type[Command], str] = {
    c.EditSite: "", c.ChangeFiling: "/filing", c.Log: "/incidents", c.StateFalse: "/false-info",
    c.SetHold: "/hold",
    c.LiftHold: "/unhold", c.AskReinstatement: "/reinstate", c.Approve: "/approve",
    c.ConfirmClosure: "/confirm-closure", c.DeclineClosure: "/decline-closure",
    c.Decline: "/decline", c.Uphold: "/uphold",
}  # fmt: skip
_CHANGING = (c.EditSite, c.ChangeFiling)
_OF_INCIDENT: dict[type[Command], str] = {
    c.StateRemoved: "removed", c.StateRefused: "refused", c.Recur: "recur",
    c.VoidIncident: "void", c.TakeBack: "take-back", c.StateReported: "reported",
    c.AddNote: "notes", c.RevokeLinks: "revoke-links",
}  # fmt: skip


def request(envelope: Envelope) -> tuple[str, str, dict[str, Any]]:
    """The method, the path under /api/v1, and the words of a command.

    Raises:
        NotOverServerError: for what is not done so.
    """
    command, site = envelope.command, envelope.site
    path = _path(command, site)
    words = {
        field.name: _plain(getattr(command, field.name))
        for field in fields(command)
        if field.name not in _NOT_SAID and getattr(command, field.name) not in (None, (), False)
    }
    if isinstance(command, c.Log) and command.written:
        words["urls"] = as_written(command.urls, command.written)
    if isinstance(command, c.AddSite):
        words["site"] = str(site)
    if isinstance(command, c.ChangeFiling):
        words = {"details": _filed(command)}
    if isinstance(command, c.StateReported) and "note" in words:
        words["ref"] = words.pop("note")
    return ("PATCH" if isinstance(command, _CHANGING) else "POST"), path, words


def _filed(command: c.ChangeFiling) -> dict[str, Any]:
    """The details as a request has them: a server or a document by the parts that change."""
    found: dict[str, Any] = dict(command.details)
    for key, name, text in command.parts:
        found.setdefault(key, {})[name] = text
    return found


def _path(command: Command, site: str | int) -> str:
    match command:
        case c.AddSite():
            return "/sites"
        case c.RecordContact(incident=None):
            return f"/sites/{_name(site)}/contacts"
        case c.RecordContact(incident=int(n)):
            return f"/incidents/{incident_id(site_id(site), n)}/contacts"
        case c.VoidContact():
            return f"/contacts/{contact_id(site_id(site), command.incident, command.contact)}/void"
        case c.ClaimItem() | c.ReleaseItem():
            verb = "claim" if isinstance(command, c.ClaimItem) else "release"
            return f"/queue/{site_id(site)}-{command.item}/{verb}"
        case c.CompleteTask():
            return f"/queue/{task_id(site_id(site), command.task)}/done"
        case c.RetryOrder() | c.CancelOrder():
            verb = "retry" if isinstance(command, c.RetryOrder) else "cancel"
            return f"/orders/{order_id(site_id(site), command.order, command.lane)}/{verb}"
    kind = type(command)
    if kind in _OF_SITE:
        return f"/sites/{_name(site)}{_OF_SITE[kind]}"
    if kind in _OF_INCIDENT:
        named = incident_id(site_id(site), command.incident)  # type: ignore[attr-defined]  # has one
        return f"/incidents/{named}/{_OF_INCIDENT[kind]}"
    raise NotOverServerError(way_out=f"{kind.__name__} needs the database itself, with --db")


def _name(site: str | int) -> str:
    if isinstance(site, int):
        raise NotOverServerError(way_out="name the site")
    return part(site)


def site_id(site: str | int) -> int:
    """The id of a site that is known by it; raises NotOverServerError of one that is named."""
    if isinstance(site, str):
        raise NotOverServerError(way_out="give the id of the incident")
    return site


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return list(value) if isinstance(value, tuple) else value
