"""The sites on the command line: list, show, why and timeline."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

from incidents.accounts.identity import login_beside
from incidents.cli import answers, options, output, params
from incidents.cli.root import LazyGroup, act
from incidents.cli.run import Run, painted
from incidents.contract import hints
from incidents.contract.hints import RELEASE_ORDER, look
from incidents.locale.words import When, in_the_world, rule
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
    )


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "add": act("site add"),
        "edit": act("site edit"),
        "list": ("incidents.cli.sites:list_sites", "List the sites."),
        "show": ("incidents.cli.sites:show", "How a site stands, and whom to call."),
        "why": ("incidents.cli.sites:why", "Why a site stands as it does, in plain words."),
        "false-info": act("site false-info"),
        "confirm-closure": act("site confirm-closure"),
        "decline-closure": act("site decline-closure"),
        "hold": act("site hold"),
        "unhold": act("site unhold"),
        "reinstate": act("site reinstate"),
        "approve": act("site approve"),
        "decline": act("site decline"),
        "uphold": act("site uphold"),
    }
}


@click.group(cls=LazyGroup, sections=COMMANDS)
def site() -> None:
    """The register of sites, and the acts on one of them."""


_LOUD = ("OVERDUE", "NOT IN FORCE", "NOT KNOWN")
_COLOURS = {"active": "green", "suspended": "yellow", "closed": "red"}


@click.command("list")
@click.option(
    "--state",
    type=click.Choice(("active", "suspended", "closed")),
    help="Only sites in this state.",
)
@options.looking
def list_sites(run: Run, state: str | None) -> None:
    """List the sites by name."""
    with run.looking() as looks:
        sites, when = looks.sites(state=state), run.when
        output.listed(
            run, sites, ids=(site["site"] for site in sites),
            headers=("SITE", "STATE", "RULE", "RUN", "UNTIL", "REMARKS"),
            rows=(_row(site, when) for site in sites),
        )  # fmt: skip


@click.command()
@params.name_argument
@options.looking
def show(run: Run, site: str) -> None:
    """How NAME stands, whom to call, and its latest incidents."""
    tell(run, site)


def tell(run: Run, site: str) -> None:
    """Say how a site stands; raises UnknownSiteError with the nearest names."""
    with run.looking() as looks:
        found = looks.site(site)
        braked: list[Order] = []
        if found["in_force"] != found["state"] and not (run.quiet or run.for_programs):
            braked = looks.unsettled(site=found["site"], only_braked=True)
    if not output.answered(run, found, found["site"]):
        held = [each["id"] for each in braked if each["lane"] == ACT]
        output.pairs(run, [*_pairs(found, run.when), ("held by the brake", ", ".join(held))])
        show_incidents(run, found)
        show_next_steps(run, [look(RELEASE_ORDER, id_) for id_ in held], None)


@click.command()
@params.name_argument
@options.looking
def why(run: Run, site: str) -> None:
    """Why NAME stands as it does, in plain words.

    The rule, the incidents counted, the times compared, what is due next, what would change it.
    """
    with run.looking() as looks:
        found = looks.why(site)
    document = {**found, "commands": hints.commands(found["hints"])}
    if not output.answered(run, document, site, rows=found["timeline"]):
        _tell_why(run, found)


def _tell_why(run: Run, found: Explanation) -> None:
    for line in found["text"]:
        run.say(painted(line, fg="red", bold=True) if line.startswith(_LOUD) else line)
    if found["timeline_untold"]:
        run.tell(f"{found['timeline_untold']:,} older entries: incidents audit export has them")
    show_events(run, found["timeline"])
    show_next_steps(run, found["hints"], found["site"].get("asked_by"))


def _row(site: Site, when: When) -> tuple[str, ...]:
    remarks = [word for word in ("held", "disputed") if site[word]]
    if site["in_force"] != site["state"]:
        remarks.append(f"in force: {site['in_force']}")
    until = site["suspended_until"]
    return (
        site["site"],
        site["state"],
        site["rule"] or "",
        str(site["run"]),
        "" if until is None else when(until),
        " ".join(remarks),
    )


def _pairs(site: SiteInFull, when: When) -> list[tuple[str, str]]:
    def time(at: str | None) -> str:
        return "" if at is None else when.until(at)

    state = painted(site["state"], fg=_COLOURS.get(site["state"]), bold=True)
    hold, request, closing = site["hold"], site["reinstatement"], site["closure_request"]
    return [
        ("site", site_name.shown(site["site"])),
        ("state", state + (f" ({rule(site['rule'])})" if site["rule"] else "")),
        (
            "in the world",
            painted(in_the_world(site["state"], site["in_force"]), fg="red", bold=True),
        ),
        ("unknown" if site["in_force"] == "unknown" else "left down", _left_down(site, when)),
        ("held", f"since {when(hold['at'])} by {hold['by']}: {_said(hold)}" if hold else ""),
        ("disputed", "yes: what closed it no longer holds" if site["disputed"] else ""),
        ("to be closed", _to_be_closed(closing, when) if closing else ""),
        (
            "reinstatement",
            f"asked {when(request['at'])} by {request['by']}: {_said(request)}" if request else "",
        ),
        ("suspended until", time(site["suspended_until"])),
        ("closed at", when(site["closed_at"]) if site["closed_at"] else ""),
        ("run", str(site["run"])),
        ("next due", time(site["next_due"])),
        ("person", site["person"] or ""),
        ("phone", site["phone"] or ""),
        ("e-mail", site["email"] or ""),
        ("tasks", ", ".join(f"{task['id']} ({task['kind']})" for task in site["tasks"])),
    ]


def _left_down(site: SiteInFull, when: When) -> str:
    # A server of before does not say it.
    since, why = site.get("left_down_since"), f"incidents site why {site['site']}"
    if site["in_force"] == "closed" and site.get("stays_down"):
        return (
            "it is closed in the world, and what closed it may be lost: it stays closed, whatever a"
            f" clock or the lift of a hold does: {why}"
        )
    if site["state"] == "suspended" and site.get("stays_down"):
        return (
            "a loss may have left it down before: at the end of the suspension it stays down until"
            f" a person decides: {why}"
        )
    if since is None:
        return ""
    lost = f"have been lost with the end of the record, {when.ago(since)}: {why}"
    if site["in_force"] == "unknown":
        return f"nobody can ask whether it is up; an order to keep it down may {lost}"
    return f"nothing on record keeps it down; the reason may {lost}"


def _to_be_closed(request: ClosureRequest, when: When) -> str:
    what = request["incident"] or f"false: {request['field']}"
    return (
        f"asked {when(request['at'])} by {request['by']} ({rule(request['rule'])}, {what}); another"
        " person decides"
    )


def _said(act: Hold) -> str:
    return act["reason"] or "(erased)"


def show_events(run: Run, timeline: Iterable[Line]) -> None:
    """One row for each event: when it happened, who recorded it, what it says."""
    when = run.when
    run.say("", painted("What happened", bold=True) + f" (times in {when.zone_name})")
    output.table(run, ("WHEN", "WHO", "WHAT"), (_event_row(event, when) for event in timeline))


def show_incidents(run: Run, site: SiteInFull) -> None:
    """One row for each incident of a site that its document shows, the newest of all."""
    found, of = site["incidents"], site["incidents_total"]
    closed = site["state"] == "closed"
    if not found:
        return
    when = run.when
    newest = f"the newest {len(found)} of {of}; " if of > len(found) else ""
    run.say("", painted("Incidents", bold=True) + f" ({newest}times in {when.zone_name})")
    output.table(
        run, ("INCIDENT", "STATE", "OCCURRED", "CONTACT DUE", "CATEGORY"),
        (_incident_row(each, when, closed) for each in found),
    )  # fmt: skip


def show_next_steps(run: Run, hints: Sequence[Hint], asked_by: str | None) -> None:
    """What can be typed next, and by whom; `asked_by`: who asked for what waits for another."""
    steps = (answers.next_step(hint, asked_by) for hint in hints)
    run.say(*(f"next: {painted(step, bold=True)}" for step in steps))


def _event_row(event: Line, when: When) -> tuple[str, str, str]:
    at, recorded_at = event["at"], event["recorded_at"]
    told = event["words"]
    if at != recorded_at:
        told += f" (recorded {when(recorded_at)})"
    login = login_beside(event["by"], event["login"])
    who = event["by"] if login is None else f"{event['by']} ({login})"
    return when(at), who, told


def contact_due(incident: Incident, when: When, *, site_closed: bool) -> str:
    """By when somebody is to be reached, or was to be; who reads a time waits for it to lapse."""
    due = incident["contact_due"]
    if incident["state"] == "open" and (site_closed or due is None):
        return "no clock runs"
    return "" if due is None else when(due)


def _incident_row(incident: Incident, when: When, closed: bool) -> tuple[str, ...]:
    return (
        incident["id"],
        incident["state"],
        when(incident["occurred_at"]),
        contact_due(incident, when, site_closed=closed),
        incident["category"] or "",
    )
