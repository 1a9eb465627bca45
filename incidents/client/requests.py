"""The requests: where each command of the desk is asked for over HTTP, and in which words."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from incidents.client.faults import NotOverServerError
from incidents.client.http import part
from incidents.clock import rfc3339
from incidents.contract.action import CONTACT, INCIDENT, ITEM, ORDER, SITE, Action
from incidents.contract.actions import ACTIONS
from incidents.desk.envelope import Envelope
from incidents.machine import commands as c
from incidents.machine.commands import Command
from incidents.values.ids import contact_id, incident_id, order_id, task_id
from incidents.values.web_address import as_written

_FOLDERS = {
    SITE: "sites", INCIDENT: "incidents", CONTACT: "contacts", ITEM: "queue", ORDER: "orders",
}  # fmt: skip


def request(envelope: Envelope) -> tuple[str, str, dict[str, Any]]:
    """The method, the path under /api/v1, and the words of a command.

    Raises:
        NotOverServerError: for what is not done so.
    """
    command, site = envelope.command, envelope.site
    if isinstance(command, c.ChangeFiling):
        return "PATCH", f"{_path(SITE, command, site)}/filing", {"details": _filed(command)}
    action = _action(command)
    words = {
        action.called(each): _plain(given)
        for each in action.asked
        if (given := getattr(command, each.name)) not in (None, (), False)
    }
    if isinstance(command, c.Log) and command.written:
        words["urls"] = as_written(command.urls, command.written)
    if isinstance(command, c.AddSite):
        return "POST", "/sites", words | {"site": str(site)}
    if isinstance(command, c.EditSite):
        return "PATCH", _path(SITE, command, site), words
    return "POST", f"{_path(action.of, command, site)}/{action.path}", words


def site_id(site: str | int) -> int:
    """The id of a site that is known by it; raises NotOverServerError of one that is named."""
    if isinstance(site, str):
        raise NotOverServerError(way_out="give the id of the incident")
    return site


def _action(command: Command) -> Action:
    """The row that the command is asked for by; of a call about a whole site, that of sites."""
    of_site = isinstance(command, c.RecordContact) and command.incident is None
    for each in ACTIONS:
        if each.command is not type(command) or each.operation is not None:
            continue
        if isinstance(command, c.RecordContact) and (each.of == SITE) != of_site:
            continue
        if each.path is not None or isinstance(command, c.AddSite | c.EditSite):
            return each
    name = type(command).__name__
    raise NotOverServerError(way_out=f"{name} needs the database itself, with --db")


def _path(of: str, command: Any, site: str | int) -> str:
    """The path of what the command is done to."""
    return f"/{_FOLDERS[of]}/{_target(of, command, site)}"


def _target(of: str, command: Any, site: str | int) -> str:
    match of:
        case "incident":
            return incident_id(site_id(site), command.incident)
        case "contact":
            return contact_id(site_id(site), command.incident, command.contact)
        case "order":
            return order_id(site_id(site), command.order, command.lane)
        case "item" if isinstance(command, c.CompleteTask):
            return task_id(site_id(site), command.task)
        case "item":
            return f"{site_id(site)}-{command.item}"
    if isinstance(site, int):
        raise NotOverServerError(way_out="name the site")
    return part(site)


def _filed(command: c.ChangeFiling) -> dict[str, Any]:
    """The details as a request has them: a server or a document by the parts that change."""
    found: dict[str, Any] = dict(command.details)
    for key, name, text in command.parts:
        found.setdefault(key, {})[name] = text
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return list(value) if isinstance(value, tuple) else value
