"""The site commands: list, show, why and timeline."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from incidents.accounts.identity import distinct_login
from incidents.cli import next_steps, options, output, params, text_table
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.root import action, with_actions
from incidents.cli.run import Run
from incidents.contract import hints
from incidents.contract.hints import RELEASE_ORDER, look
from incidents.locale.words import actual_state
from incidents.system.terminal import coloured, is_terminal
from incidents.values import site_name
from incidents.values.ids import ACT

if TYPE_CHECKING:
    from incidents.contract.documents import Hint
    from incidents.contract.documents.orders import Order
    from incidents.contract.documents.sites import (
        ClosureRequest,
        Explanation,
        Hold,
        Incident,
        Line,
        Site,
        SiteInFull,
        Task,
    )


COMMANDS = with_actions({
    "Commands": {
        "add": action("site add"),
        "list": ("incidents.cli.sites:list_sites", "List sites."),
        "show": ("incidents.cli.sites:show", "Show a site's status and contact."),
        "why": ("incidents.cli.sites:why", "Explain a site's state."),
    }
}, "site ")  # fmt: skip


RENAMED = {
    "approve": ("incidents.cli.actions:site approve", "approve"),
    "decline": ("incidents.cli.actions:site decline", "decline"),
    "confirm-closure": ("incidents.cli.actions:site confirm-closure", "approve"),
    "decline-closure": ("incidents.cli.actions:site decline-closure", "decline"),
    "unhold": ("incidents.cli.actions:site unhold", "site hold --lift"),
}


@click.group(cls=LazyGroup, sections=COMMANDS, renamed=RENAMED)
def site() -> None:
    """Manage the register of sites, and act on a site."""


_LOUD = ("OVERDUE", "NOT IN FORCE", "UNKNOWN")
_COLOURS = {"active": "green", "suspended": "yellow", "closed": "red"}


_HEADERS: tuple[str, ...] = ("SITE", "STATE", "RULE", "RUN", "UNTIL", "REMARKS")


@verb("list")
@click.option(
    "--state",
    type=click.Choice(("active", "suspended", "closed")),
    help="List only sites in this state.",
)
@options.view
def list_sites(run: Run, state: str | None) -> None:
    """List sites by name."""
    with run.queries() as queries:
        sites: Iterable[Site] = queries.sites(state=state)
        headers, row = _HEADERS, _row
        if not (run.quiet or run.for_programs) and is_terminal(sys.stdout):
            # On a pipe a row has the same fields whatever the names are.
            sites = found = list(sites)
            if any(site_name.shown(site["site"]) != site["site"] for site in found):
                headers, row = (*_HEADERS, "A-LABEL"), _row_in_full
        output.write_list(
            run, sites, ids=(site["site"] for site in sites), headers=headers,
            rows=(row(run, site) for site in sites),
        )  # fmt: skip


@verb()
@params.name_argument
@options.view
def show(run: Run, site: str) -> None:
    """Show the status of NAME, its contact and its latest incidents."""
    write_site(run, site)


def write_site(run: Run, site: str) -> None:
    """Describe a site; raises UnknownSiteError with the nearest names."""
    with run.queries() as queries:
        found = queries.site(site)
        braked: list[Order] = []
        if found["in_force"] != found["state"] and not (run.quiet or run.for_programs):
            braked = queries.unsettled(site=found["site"], state="braked")
    if not output.answer_program(run, found, found["site"]):
        held = [each["id"] for each in braked if each["lane"] == ACT]
        output.write_pairs(
            run, [*_pairs(run, found), ("held by the brake", run.language.comma.join(held))]
        )
        show_incidents(run, found)
        show_next_steps(run, [look(RELEASE_ORDER, id_) for id_ in held], None)


@verb()
@params.name_argument
@options.view
def why(run: Run, site: str) -> None:
    """Explain the state of NAME.

    It shows the rule, the incidents counted, the times compared, the action due next, and the
    events that would change the state.
    """
    with run.queries() as queries:
        found = queries.why(site)
    document = {**found, "commands": hints.commands(found["hints"])}
    if not output.answer_program(run, document, site, rows=found["timeline"]):
        _write_why(run, found)


def _write_why(run: Run, found: Explanation) -> None:
    lines, name = list(found["text"]), found["site"]["site"]
    written = site_name.shown(name)
    if (first := next((n for n, line in enumerate(lines) if written in line), None)) is not None:
        lines[first] = lines[first].replace(written, site_name.in_full(name), 1)
    for line in lines:
        run.write(coloured(line, fg="red", bold=True) if line.startswith(_LOUD) else line)
    if found["timeline_untold"]:
        run.inform(run.text("site.older", n=found["timeline_untold"]))
    show_events(run, found["timeline"])
    show_next_steps(run, found["hints"], found["site"].get("asked_by"))


def _row(run: Run, site: Site) -> tuple[str, ...]:
    remarks = [run.language.word("state", word) for word in ("held", "disputed") if site[word]]
    if site["in_force"] != site["state"]:
        remarks.append(run.text("site.in_force", state=site["in_force"]))
    until = site["suspended_until"]
    return (
        site_name.shown(site["site"]),
        run.language.word("state", site["state"]),
        run.text("orders.rule", rule=site["rule"]) if site["rule"] else "",
        str(site["run"]),
        "" if until is None else run.when(until),
        " ".join(remarks),
    )


def _row_in_full(run: Run, site: Site) -> tuple[str, ...]:
    name = site["site"]
    return *_row(run, site), "" if site_name.shown(name) == name else name


def _pairs(run: Run, site: SiteInFull) -> list[tuple[str, str]]:
    when, state = run.when, site["state"]

    def time(at: str | None) -> str:
        return "" if at is None else when.until(at)

    painted_state = coloured(run.language.word("state", state), fg=_COLOURS.get(state), bold=True)
    if site["rule"]:
        painted_state = run.text("site.state.by_rule", state=painted_state, rule=site["rule"])
    really = actual_state(state, site["in_force"], run.language)
    hold, request, closing = site["hold"], site["reinstatement"], site["closure_request"]
    return [
        ("site", site_name.in_full(site["site"])),
        ("state", painted_state),
        ("actual state", coloured(really, fg="red", bold=True)),
        ("unknown" if site["in_force"] == "unknown" else "left down", _left_down(run, site)),
        ("held", _writing(run, "site.held", hold) if hold else ""),
        ("disputed", run.text("site.disputed") if site["disputed"] else ""),
        ("to be closed", _to_be_closed(run, closing) if closing else ""),
        ("reinstatement", _writing(run, "site.asked", request) if request else ""),
        ("suspended until", time(site["suspended_until"])),
        ("closed at", when(site["closed_at"]) if site["closed_at"] else ""),
        ("run", str(site["run"])),
        ("next due", time(site["next_due"])),
        ("person", site["person"] or ""),
        ("phone", site["phone"] or ""),
        ("email", site["email"] or ""),
        ("tasks", run.language.comma.join(_task(run, task) for task in site["tasks"])),
    ]


def _task(run: Run, task: Task) -> str:
    return run.text("site.task", **task)


def _left_down(run: Run, site: SiteInFull) -> str:
    # An older server does not say it.
    since = site.get("left_down_since")
    if site["in_force"] == "closed" and site.get("stays_down"):
        return run.text("site.left_closed", site=site["site"])
    if site["state"] == "suspended" and site.get("stays_down"):
        return run.text("site.left_down", site=site["site"])
    if since is None:
        return ""
    code = "site.unknown" if site["in_force"] == "unknown" else "site.lost_reason"
    return run.text(code, site=site["site"], ago=run.when.ago(since))


def _to_be_closed(run: Run, request: ClosureRequest) -> str:
    false = run.text("site.to_be_closed.false", field=request["field"])
    return run.text(
        "site.to_be_closed", at=request["at"], by=request["by"], rule=request["rule"],
        what=request["incident"] or false,
    )  # fmt: skip


def _writing(run: Run, code: str, hold: Hold) -> str:
    reason = hold["reason"] or run.text("site.erased")
    return run.text(code, at=hold["at"], by=hold["by"], reason=reason)


def show_events(run: Run, timeline: Iterable[Line]) -> None:
    """List events, one in each row: time, person, and description."""
    title = coloured(run.text("site.events"), bold=True)
    run.write("", title + run.text("site.times", zone=run.when.zone_name))
    text_table.write_table(
        run, ("WHEN", "WHO", "WHAT"), (_event_row(run, event) for event in timeline)
    )


def show_incidents(run: Run, site: SiteInFull) -> None:
    """List the incidents in a site's document, one in each row, and their total number."""
    found, of = site["incidents"], site["incidents_total"]
    closed = site["state"] == "closed"
    if not found:
        return
    code = "site.incidents.newest" if of > len(found) else "site.times"
    times = run.text(code, shown=len(found), total=of, zone=run.when.zone_name)
    run.write("", coloured(run.text("site.incidents"), bold=True) + times)
    text_table.write_table(
        run, ("INCIDENT", "STATE", "OCCURRED", "CONTACT DUE", "CATEGORY"),
        (_incident_row(run, each, closed) for each in found),
    )  # fmt: skip


def show_next_steps(run: Run, hints: Sequence[Hint], asked_by: str | None) -> None:
    """Show the next commands, and who may use them.

    `asked_by`: the person who made the waiting request.
    """
    steps = (coloured(next_steps.next_step(run, hint, asked_by), bold=True) for hint in hints)
    run.write(*(run.text("answer.next", step=step) for step in steps))


def _event_row(run: Run, event: Line) -> tuple[str, str, str]:
    at, recorded_at = event["at"], event["recorded_at"]
    sentence = event["words"]
    if at != recorded_at:
        sentence = run.text("site.recorded", what=sentence, at=recorded_at)
    login = distinct_login(event["by"], event["login"])
    who = run.text("site.who" if login is None else "site.who.login", by=event["by"], login=login)
    return run.when(at), who, sentence


def contact_due(run: Run, incident: Incident, *, site_closed: bool) -> str:
    """The deadline for a contact, or that no clock is running; empty if there is no deadline."""
    due = incident["contact_due"]
    if incident["state"] == "open" and (site_closed or due is None):
        return run.text("incident.no_clock")
    return "" if due is None else run.when(due)


def removal_due(run: Run, incident: Incident, *, site_closed: bool) -> str:
    """The deadline of a removal; on a closed site none runs."""
    due = incident["removal_due"]
    if due is not None and incident["state"] == "notified" and site_closed:
        return run.text("incident.no_clock")
    return "" if due is None else run.when(due)


def _incident_row(run: Run, incident: Incident, closed: bool) -> tuple[str, ...]:
    return (
        incident["id"],
        run.language.word("state", incident["state"]),
        run.when(incident["occurred_at"]),
        contact_due(run, incident, site_closed=closed),
        run.language.word("category", incident["category"] or ""),
    )
