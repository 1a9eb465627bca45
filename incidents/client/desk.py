"""The desk of a server, which sends commands as requests and returns the server's answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from incidents.client.faults import NoDeskError, NotOverServerError, ProblemError
from incidents.client.http import Exchange, part
from incidents.clock import read_rfc3339, rfc3339
from incidents.contract import target
from incidents.contract.action import Action
from incidents.contract.actions import ACTIONS, CLOSING
from incidents.contract.case_documents import plain
from incidents.contract.target import SITE
from incidents.desk.envelope import Answer, Envelope, refused_answer
from incidents.errors import Cause, FileError
from incidents.machine import commands as c
from incidents.machine.commands import Command
from incidents.machine.policy import Policy, PolicyError
from incidents.machine.policy import read as read_policy
from incidents.machine.refusal import Refusal, Remark
from incidents.values.ids import incident_id, report_id
from incidents.values.json_object import JSONObject
from incidents.values.web_address import as_written

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.contract.documents.actions import Acted, Event, Outcome
    from incidents.contract.documents.policies import Activated
    from incidents.desk.inbox.reports import LeadToIncident
    from incidents.desk.transaction import Sequel

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")

_Look = tuple[str | None, str]
"""What a person saw of a site: the site's ETag and its name."""


class RemoteDesk:
    """The desk of a server, for commands at the command line; the token's owner acts."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._seen: dict[str | int, _Look] = {}
        self._carried: dict[str, Path] = {}

    def submit(
        self,
        envelopes: Sequence[Envelope],
        *,
        dry_run: bool = False,
        policy: Policy | None = None,
        sequel: Sequel | None = None,
    ) -> list[Answer]:
        """Submit the commands in order, one by one; return the answers in the same order.

        `sequel`: the report that the only command logs or joins.

        Raises:
            NotOverServerError: for commands that a server does not accept over the network.
            ServerError: if the server does not answer.
            ProblemError: if the token does not allow the command.
        """
        if policy is not None:
            raise NotOverServerError(
                way_out=Cause.of("way_policy", "try out the policy with --db or in the console")
            )
        if sequel is not None:
            [envelope] = envelopes
            return [self._settle(envelope, cast("LeadToIncident", sequel), dry_run=dry_run)]
        return [self._submit(envelope, dry_run=dry_run) for envelope in envelopes]

    def hand_over(self, envelope: Envelope, *, dry_run: bool = False) -> list[Answer]:
        """Hand over all items that one person has claimed. Raises the errors of `submit`."""
        assert isinstance(envelope.command, c.HandOver)
        try:
            given, _ = self._exchange.exchange(
                "POST", "/queue/hand-over", words={"to": envelope.command.to}, key=envelope.key,
                query={"dry_run": dry_run or None},
            )  # fmt: skip
        except ProblemError as problem:
            return [self._refused(envelope, problem)]
        return [_answer(cast("Acted", each)) for each in given["items"]]

    def upload(self, file: Path, digest: str) -> None:
        """Remember the file with that digest; the next `Attach` command sends it."""
        self._carried[digest] = file

    def policy(self) -> Policy:
        """Return the server's active policy. Raises the same errors as `submit`."""
        try:
            return read_policy(self._exchange.get("/policy")["toml"])
        except PolicyError as error:
            server = self._exchange.server
            raise NoDeskError(
                server=server,
                detail=Cause.of("policy_of_other", "its policy comes from another program"),
            ) from error

    def activate(
        self, policy_text: str, *, reason: str, key: str | None = None, dry_run: bool = False,
        second: Mapping[str, str | None] | None = None, **_: object,
    ) -> Activated:  # fmt: skip
        """Activate a policy (TOML). Raises the same errors as `submit`.

        `second`: the handle, the password and perhaps a code of the second person.
        """
        words = {"toml": policy_text, "reason": reason, "second": second}
        done, _tag = self._exchange.exchange(
            "POST", "/policy/activate", key=key, query={"dry_run": dry_run or None},
            words={name: word for name, word in words.items() if word is not None},
        )  # fmt: skip
        return cast("Activated", done)

    def _submit(self, envelope: Envelope, *, dry_run: bool) -> Answer:
        command = envelope.command
        if isinstance(command, c.Elapse):
            # The server itself processes due items before each action.
            return refused_answer(str(envelope.site), Refusal("nothing_due"))
        try:
            if isinstance(command, c.Attach):
                return self._attach(envelope, command, dry_run=dry_run)
            return self._send(envelope, dry_run=dry_run)
        except ProblemError as problem:
            return self._refused(envelope, problem)

    def _send(self, envelope: Envelope, *, dry_run: bool) -> Answer:
        method, path, words = request(envelope)
        # It is decided on the shown state: a concurrent change causes a refusal.
        closes, seen, lasts = type(envelope.command) in CLOSING, None, envelope.key_for
        if closes and not dry_run:
            known = envelope.site in self._seen
            look = self._seen.pop(envelope.site) if known else self._look(envelope)
            seen, words["confirm"] = look
        document, _ = self._exchange.exchange(
            method, path, words=words, key=envelope.key, seen=seen,
            key_for_s=None if lasts is None else int(lasts.total_seconds()),
            query={
                "dry_run": dry_run or None, "unless_closing": envelope.unless_closing or None,
            },
        )  # fmt: skip
        if closes and dry_run:
            # Before asking for confirmation.
            self._seen[envelope.site] = self._look(envelope)
        return _answer(cast("Acted", document))

    def _look(self, envelope: Envelope) -> _Look:
        site = envelope.site
        if isinstance(site, int):
            named = incident_id(site, getattr(envelope.command, "incident", 1))
            found, seen = self._exchange.exchange("GET", f"/incidents/{named}")
            return seen, str(found["site"])
        _, seen = self._exchange.exchange("GET", f"/sites/{part(site)}")
        return seen, site

    def _settle(self, envelope: Envelope, sequel: LeadToIncident, *, dry_run: bool) -> Answer:
        """Log or join a report: the server knows its addresses and its bytes."""
        command, path = envelope.command, f"/reports/{report_id(sequel.report)}"
        words: JSONObject
        if isinstance(command, c.Attach):
            path += "/join"
            words = {"incident": incident_id(site_id(envelope.site), command.incident)}
        else:
            assert isinstance(command, c.Log), "a report is logged or joined"
            path += "/log"
            words = {
                "site": envelope.site, "category": command.category, "note": command.note,
                "at": None if command.at is None else rfc3339(command.at), "again": command.again,
            }  # fmt: skip
        # An older server does not know the word.
        if sequel.others is not None:
            words["keep_open"] = True
        try:
            document, _ = self._exchange.exchange(
                "POST", path, words=words, key=envelope.key,
                query={
                    "dry_run": dry_run or None, "unless_closing": envelope.unless_closing or None,
                },
            )  # fmt: skip
        except ProblemError as problem:
            return self._refused(envelope, problem)
        return _answer(cast("Acted", document))

    def _attach(self, envelope: Envelope, command: c.Attach, *, dry_run: bool) -> Answer:
        named = incident_id(site_id(envelope.site), command.incident)
        file = self._carried[command.digest]
        try:
            with file.open("rb") as content:
                done = self._exchange.send(
                    "POST", f"/incidents/{named}/evidence", key=envelope.key,
                    query={"dry_run": dry_run or None}, files={"file": (command.name, content)},
                )  # fmt: skip
        except OSError as error:
            raise FileError(file=file, done="read", detail=error.strerror) from error
        return _answer(done.json())

    def _refused(self, envelope: Envelope, problem: ProblemError) -> Answer:
        """Convert a refusal of the desk into an answer.

        A problem with the person or the request is raised again.
        """
        if "facts" not in problem.problem:
            raise problem
        told = problem.problem.get("events", [])
        # An older server does not name the site.
        name = next((each["site"] for each in told if "site" in each), str(envelope.site))
        events = [{key: each[key] for key in each if key != "site"} for each in told]
        document: Outcome = {
            "site": None, "incident": None, "incidents": [], "remarks": [],
            "events": cast("list[Event]", events),
        }  # fmt: skip
        refusal = Refusal(problem.name, facts(problem.problem["facts"]))
        return Answer(site=name, site_id=None, refusal=refusal, make_document=lambda: document)


def _answer(document: Acted) -> Answer:
    site = document["site"]
    remarks = (Remark(each["name"], facts(each["facts"])) for each in document["remarks"])
    return Answer(
        site=site["site"], site_id=site["id"], refusal=None, remarks=tuple(remarks),
        make_document=lambda: cast("Outcome", document), repeated=bool(document.get("repeated")),
    )  # fmt: skip


def facts(document: Facts) -> dict[str, Any]:
    """Convert the facts of a refusal from JSON into the desk's form."""
    return {name: _fact(value) for name, value in document.items()}


def _fact(value: Any) -> Any:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return read_rfc3339(value)
    return tuple(value) if isinstance(value, list) else value


def request(envelope: Envelope) -> tuple[str, str, JSONObject]:
    """Return the method, the path under /api/v1, and the body of the request for a command.

    Raises:
        NotOverServerError: for a command that a server does not accept.
    """
    command, site = envelope.command, envelope.site
    if isinstance(command, c.ChangeFiling):
        return "PATCH", f"{_path(SITE, command, site)}/filing", _filed(command)
    action = _action(command)
    words = {
        action.called(each): plain(given)
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
    """Return the id of a site; raises NotOverServerError for a site given by name."""
    if isinstance(site, str):
        raise NotOverServerError(way_out=Cause.of("way_incident", "give the ID of the incident"))
    return site


def _action(command: Command) -> Action:
    """Find the command's row in the contract; a call about a whole site has its own row."""
    of_site = isinstance(command, c.RecordContact) and command.incident is None
    for each in ACTIONS:
        if each.command is not type(command) or each.operation is not None:
            continue
        if isinstance(command, c.RecordContact) and (each.of == SITE) != of_site:
            continue
        if each.path is not None or isinstance(command, c.AddSite | c.EditSite):
            return each
    name = type(command).__name__
    raise NotOverServerError(
        way_out=Cause.of("way_database", "{name} needs the database itself, with --db", name=name)
    )


def _path(kind: str, command: Command, site: str | int) -> str:
    """The path of the command's target."""
    if kind != SITE:
        site = site_id(site)
    elif isinstance(site, int):
        raise NotOverServerError(way_out=Cause.of("way_site", "name the site"))
    named = target.text(kind, target.of_command(command, site))
    return f"/{target.FOLDERS[kind]}/{part(named)}"


def _filed(command: c.ChangeFiling) -> JSONObject:
    """Convert the details for a request; of a server or a document, only the changed parts."""
    found: JSONObject = dict(command.details)
    for key, name, text in command.parts:
        found.setdefault(key, {})[name] = text
    return {"details": found}
