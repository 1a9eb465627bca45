"""The desk of a server: commands go there as requests, and come back as the desk's own answers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, NoReturn

from incidents.client.http import Document, Exchange, ProblemError, part
from incidents.clock import read_rfc3339, rfc3339
from incidents.desk.envelope import Answer, Envelope, nothing_done
from incidents.errors import InputError
from incidents.machine import commands as c
from incidents.machine.commands import Command
from incidents.machine.ids import contact_id, incident_id, order_id, task_id
from incidents.machine.policy import Policy
from incidents.machine.refusals import Refusal, Remark

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
# They stand in the path, or are the server's own to say.
_NOT_SAID = frozenset(
    {"by", "incident", "contact", "item", "task", "order", "lane", "why", "tried"}
)
_CLOSING = (c.StateRefused, c.StateFalse)

_OF_SITE: dict[type[Command], str] = {
    c.EditSite: "", c.Log: "/incidents", c.StateFalse: "/false-info", c.SetHold: "/hold",
    c.LiftHold: "/unhold", c.AskReinstatement: "/reinstate", c.Approve: "/approve",
    c.Decline: "/decline", c.Uphold: "/uphold",
}  # fmt: skip
_OF_INCIDENT: dict[type[Command], str] = {
    c.StateRemoved: "removed", c.StateRefused: "refused", c.Recur: "recur",
    c.VoidIncident: "void", c.TakeBack: "take-back", c.StateReported: "reported",
    c.AddNote: "notes",
}  # fmt: skip


class NotOverServerError(InputError):
    """this is not done over a server: {way_out}"""


class RemoteDesk:
    """The write path of a server, for the command line; who acts is whose token it is."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def submit(
        self,
        envelopes: Sequence[Envelope],
        *,
        dry_run: bool = False,
        policy: Policy | None = None,
    ) -> list[Answer]:
        """The commands in order, each by itself; answers in the same order.

        Raises:
            NotOverServerError: for what the server takes from nobody over the network.
            ServerError: if it does not answer.
            ProblemError: if the token may not.
        """
        if policy is not None:
            raise NotOverServerError(way_out="try another policy with --db, or in the console")
        return [self._submit(envelope, dry_run=dry_run) for envelope in envelopes]

    def __getattr__(self, name: str) -> NoReturn:
        raise NotOverServerError(way_out=f"{name} needs the database itself, with --db")

    def _submit(self, envelope: Envelope, *, dry_run: bool) -> Answer:
        command = envelope.command
        if isinstance(command, c.Elapse):
            # The server does what is due before each act itself.
            return nothing_done(str(envelope.site), Refusal("nothing_due"))
        method, path, words = request(envelope)
        seen = None
        if isinstance(command, _CLOSING) and not dry_run:
            seen, words["confirm"] = self._looked_at(envelope)
        try:
            document, _ = self._exchange.exchange(
                method, path, words=words, key=envelope.key, seen=seen,
                query={"dry_run": True} if dry_run else None,
            )  # fmt: skip
        except ProblemError as problem:
            return _refused(envelope, problem)
        return _answer(document)

    def _looked_at(self, envelope: Envelope) -> tuple[str | None, str]:
        """The site's ETag and its name: whoever closes it has been asked by now."""
        site = envelope.site
        if isinstance(site, int):
            named = incident_id(site, getattr(envelope.command, "incident", 1))
            found, seen = self._exchange.exchange("GET", f"/incidents/{named}")
            return seen, str(found["site"])
        _, seen = self._exchange.exchange("GET", f"/sites/{part(site)}")
        return seen, site


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
    if isinstance(command, c.AddSite):
        words["site"] = str(site)
    if isinstance(command, c.StateReported) and "note" in words:
        words["ref"] = words.pop("note")
    return ("PATCH" if isinstance(command, c.EditSite) else "POST"), path, words


def _path(command: Command, site: str | int) -> str:
    match command:
        case c.AddSite():
            return "/sites"
        case c.RecordContact(incident=None):
            return f"/sites/{_name(site)}/contacts"
        case c.RecordContact(incident=int(n)):
            return f"/incidents/{incident_id(_id(site), n)}/contacts"
        case c.VoidContact():
            return f"/contacts/{contact_id(_id(site), command.incident, command.contact)}/void"
        case c.ClaimItem() | c.ReleaseItem():
            verb = "claim" if isinstance(command, c.ClaimItem) else "release"
            return f"/queue/{_id(site)}-{command.item}/{verb}"
        case c.CompleteTask():
            return f"/queue/{task_id(_id(site), command.task)}/done"
        case c.RetryOrder() | c.CancelOrder():
            verb = "retry" if isinstance(command, c.RetryOrder) else "cancel"
            return f"/orders/{order_id(_id(site), command.order, command.lane)}/{verb}"
    kind = type(command)
    if kind in _OF_SITE:
        return f"/sites/{_name(site)}{_OF_SITE[kind]}"
    if kind in _OF_INCIDENT:
        named = incident_id(_id(site), command.incident)  # type: ignore[attr-defined]  # has one
        return f"/incidents/{named}/{_OF_INCIDENT[kind]}"
    raise NotOverServerError(way_out=f"{kind.__name__} needs the database itself, with --db")


def _name(site: str | int) -> str:
    if isinstance(site, int):
        raise NotOverServerError(way_out="name the site")
    return part(site)


def _id(site: str | int) -> int:
    if isinstance(site, str):
        raise NotOverServerError(way_out="give the id of the incident")
    return site


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    return list(value) if isinstance(value, tuple) else value


def _answer(document: Document) -> Answer:
    site = document["site"]
    remarks = (Remark(each["name"], _facts(each["facts"])) for each in document["remarks"])
    return Answer(
        site=site["site"], site_id=site["id"], refusal=None, remarks=tuple(remarks),
        draw=lambda: document, repeated=bool(document.get("repeated")),
    )  # fmt: skip


def _refused(envelope: Envelope, problem: ProblemError) -> Answer:
    """The desk's refusal, told again; a problem of who asks, or how, stays a problem."""
    if "facts" not in problem.problem:
        raise problem
    document = {
        "site": None, "incident": None, "incidents": [], "remarks": [],
        "events": problem.problem.get("events", []),
    }  # fmt: skip
    refusal = Refusal(problem.name, _facts(problem.problem["facts"]))
    return Answer(
        site=str(envelope.site), site_id=None, refusal=refusal, draw=lambda: document
    )  # fmt: skip


def _facts(facts: Document) -> Document:
    return {name: _fact(value) for name, value in facts.items()}


def _fact(value: Any) -> Any:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return read_rfc3339(value)
    return tuple(value) if isinstance(value, list) else value
