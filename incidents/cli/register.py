"""The looks at sites: list, show, why. Looking does nothing; it shows what is overdue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents import site_name
from incidents.cli import output, params, timeline
from incidents.cli.options import looking
from incidents.cli.run import painted
from incidents.contract import hints
from incidents.contract.hints import RELEASE_ORDER, Hint
from incidents.errors import DONE
from incidents.machine.ids import ACT
from incidents.words import in_the_world, rule

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.words import Document, When

_LOUD = ("OVERDUE", "NOT IN FORCE")
_COLOURS = {"active": "green", "suspended": "yellow", "closed": "red"}


@click.command("list")
@click.option(
    "--state",
    type=click.Choice(("active", "suspended", "closed")),
    help="Only sites in this state.",
)
@looking
def list_sites(run: Run, state: str | None) -> int:
    """List the sites by name."""
    with run.house.looking() as looks:
        sites = looks.sites(state=state)
        if run.quiet:
            for site in sites:
                run.say(site["site"])
        elif run.for_programs:
            output.documents(run, sites)
        else:
            when = run.when
            headers = ("SITE", "STATE", "RULE", "RUN", "UNTIL", "REMARKS")
            output.table(run, headers, (_row(site, when) for site in sites))
    return DONE


@click.command()
@params.name_argument
@looking
def show(run: Run, site: str) -> int:
    """How NAME stands, whom to call, and its latest incidents."""
    return tell(run, site)


def tell(run: Run, site: str) -> int:
    """Say how a site stands; raises UnknownSiteError with the nearest names."""
    with run.house.looking() as looks:
        found = looks.site(site)
        braked: list[Document] = []
        if found["in_force"] != found["state"] and not (run.quiet or run.for_programs):
            braked = looks.unsettled(site=found["site"], only_braked=True)
    if run.quiet:
        run.say(found["site"])
    elif run.for_programs:
        output.document(run, found, rows=[found])
    else:
        held = [each["id"] for each in braked if each["lane"] == ACT]
        pairs = _pairs(found, run.when)
        output.pairs(run, [*pairs, ("held by the brake", ", ".join(held))])
        timeline.incidents(run, found)
        timeline.next_steps(run, [Hint(RELEASE_ORDER, id_) for id_ in held], None)
    return DONE


@click.command()
@params.name_argument
@looking
def why(run: Run, site: str) -> int:
    """Why NAME stands as it does, in plain words.

    The rule, the incidents counted, the times compared, what is due next, what would change it.
    """
    with run.house.looking() as looks:
        found = looks.why(site, run.settings.zone)
    if run.quiet:
        run.say(site)
    elif run.for_programs:
        output.document(run, hints.told(found), rows=found["timeline"])
    else:
        _tell_why(run, found)
    return DONE


def _tell_why(run: Run, found: Document) -> None:
    for line in found["text"]:
        run.say(painted(line, fg="red", bold=True) if line.startswith(_LOUD) else line)
    if found["timeline_untold"]:
        run.tell(f"{found['timeline_untold']:,} older entries: incidents audit export has them")
    timeline.events(run, found["timeline"])
    timeline.next_steps(run, found["hints"], found["site"].get("asked_by"))


def _row(site: Document, when: When) -> tuple[str, ...]:
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


def _pairs(site: Document, when: When) -> list[tuple[str, str]]:
    def time(name: str) -> str:
        return when.until(site[name]) if site[name] else ""

    state = painted(site["state"], fg=_COLOURS.get(site["state"]), bold=True)
    hold, request, closing = site["hold"], site["reinstatement"], site["closure_request"]
    return [
        ("site", site_name.shown(site["site"])),
        ("state", state + (f" ({rule(site['rule'])})" if site["rule"] else "")),
        ("in the world", painted(in_the_world(site), fg="red", bold=True)),
        ("left down", _left_down(site, when)),
        ("held", f"since {when(hold['at'])} by {hold['by']}: {_said(hold)}" if hold else ""),
        ("disputed", "yes: what closed it no longer holds" if site["disputed"] else ""),
        ("to be closed", _to_be_closed(closing, when) if closing else ""),
        (
            "reinstatement",
            f"asked {when(request['at'])} by {request['by']}: {_said(request)}" if request else "",
        ),
        ("suspended until", time("suspended_until")),
        ("closed at", when(site["closed_at"]) if site["closed_at"] else ""),
        ("run", str(site["run"])),
        ("next due", time("next_due")),
        ("person", site["person"] or ""),
        ("phone", site["phone"] or ""),
        ("e-mail", site["email"] or ""),
        ("tasks", ", ".join(f"{task['id']} ({task['kind']})" for task in site["tasks"])),
    ]


def _left_down(site: Document, when: When) -> str:
    # A server of before does not say it.
    since = site.get("left_down_since")
    if since is None:
        return ""
    why = "nothing on record keeps it down"
    if site["state"] != "active":
        why = "it was down before it was suspended, and stays down at the end of that"
    return (
        f"{why}; the reason may have been lost with the end of the"
        f" record, {when.ago(since)}: incidents site why {site['site']}"
    )


def _to_be_closed(request: Document, when: When) -> str:
    what = request["incident"] or f"false: {request['field']}"
    return (
        f"asked {when(request['at'])} by {request['by']} ({rule(request['rule'])}, {what}); another"
        " person decides"
    )


def _said(act: Document) -> str:
    return act["reason"] or "(erased)"
