"""The acts and looks that fit a site's state, as hints, the likeliest first."""

from __future__ import annotations

from incidents.contract import hints
from incidents.contract.documents import Hint
from incidents.contract.hints import do, look
from incidents.machine import commands as c
from incidents.machine.state import can_move_incident
from incidents.views.why.record import MAX_TRIED, Record


def fitting_hints(record: Record) -> list[Hint]:
    """The hints for the next acts on the site as a whole."""
    case, site = record.case, record.case.site
    found = []
    if record.overdue_since is not None:
        found.append(look("elapse"))
    if record.braked is not None:
        found.append(look(hints.RELEASE_ORDER, record.braked))
    if case.closure_request is not None:
        found += hints.to_closure(site)
    if case.disputed:
        found.append(do(c.Uphold, site))
    if case.request is not None:
        # No act is proposed that would be refused.
        found += hints.to_reinstatement(site, held=case.held)
    elif case.closed and not case.held:
        found.append(do(c.AskReinstatement, site))
    if case.held:
        found.append(do(c.LiftHold, site))
    name, incidents = record.teller.name, sorted(case.incidents.items())
    waiting = [name(n) for n, each in incidents if can_move_incident(each.state, "reach")]
    found += [hints.contact(each, "reached") for each in waiting[:MAX_TRIED]]
    told = [name(n) for n, each in incidents if each.state == "notified"]
    found += [do(c.StateRemoved, each) for each in told[:MAX_TRIED]]
    return [*found, *_of_the_world(record)]


def _of_the_world(record: Record) -> list[Hint]:
    """The hints to carry out what was ordered, or to record what is in force."""
    site, repair = record.case.site, look("repair", record.case.site)
    cause = record.not_in_force
    stays = record.may_end_down or cause in ("unknown", "left_down")
    hold = [do(c.SetHold, site)] if stays and not record.case.held else []
    match cause:
        case "waits":
            return [*hold, look("orders_of_site", site)]
        case "lost":
            return [*hold, repair, look("repair_cancelled", site)]
        case "believed" | "unknown":
            return [*hold, repair]
        case "left_down":
            return [*hold, repair, look("recover", reason=None)]
        case "left_closed":
            return hints.to_left_closed(site, suspended=record.case.state == "suspended")
    return hold
