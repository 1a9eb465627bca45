"""The page of a site: its state and the reasons, what happens next, its history and its actions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from incidents import views
from incidents.console import action_forms, forms, messages, rendering, submission
from incidents.console.figures import suspensions
from incidents.console.flash import Flash
from incidents.console.pages import filing_view
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.submission import Submission, Submitted
from incidents.contract.documents.queue import Duty
from incidents.contract.documents.sites import Due
from incidents.errors import InputError, RefusedError, UnknownSiteError
from incidents.filing.checks import completeness
from incidents.filing.form import FIELD_OF
from incidents.machine import commands as c
from incidents.machine.filing import CONTACT_FIELDS, can_be_false
from incidents.values import inputs, site_name
from incidents.values.ids import CLOSURE, DISPUTED, REINSTATEMENT
from incidents.views import lists, masked, possible_actions, register
from incidents.views.filing import details_of
from incidents.views.queue import police
from incidents.views.why.answer import parts

router = APIRouter()

STORY = 40
MAX_REPORTS = 5
"""The maximum number of police reports due that the page lists."""

_ACTIONS = (
    "confirm-closure", "decline-closure", "approve", "decline", "uphold", "reinstate", "contact",
    "hold", "unhold", "edit", "false-info",
)  # fmt: skip
"""The order of the actions on the page; all other actions follow."""
_ABOUT: dict[str, forms.Is] = {
    "contact": lambda item, _: item.isdigit(),
    "confirm-closure": forms.only(CLOSURE),
    "decline-closure": forms.only(CLOSURE),
    "approve": forms.only(REINSTATEMENT),
    "decline": forms.only(REINSTATEMENT),
    "uphold": forms.only(DISPUTED),
}
"""The queue items that an action is about, which a colleague might have claimed."""


class NotConfirmedError(RefusedError):
    """nothing was done: this closes the site, so type its name as shown above"""


@router.get("/sites/{name}")
def show(
    here: Viewer,
    name: str,
    whole: bool = False,
    false: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Show a site.

    `false`: a filed detail that a check doubts, filled in as the detail to report as false.
    """
    return _page(here, known(name), whole=whole, doubted=false if can_be_false(false) else "")


@router.post("/sites/{name}/reveal", dependencies=needs("reveal"))
def reveal(desk: Submitted, name: str) -> Response:
    """Show the contact in full; the reveal goes on record first."""
    kept = known(name)
    submission.reveal_on_record(desk, kept)
    with desk.reading() as connection:
        found = views.site(connection, kept, desk.app.now(connection))
    return rendering.response("revealed", desk.reader, item=found)


def do(desk: Submitted, name: str, action: str) -> Response:
    """Do the action on the site."""
    kept, row = known(name), action_forms.of_page("sites")[action].action
    try:
        if row.closes:
            confirm(desk, kept)
        command = submission.command_of_form(desk, row, (kept,))
        answer = desk.submit(
            kept, command, about=_ABOUT.get(action), steady=isinstance(command, c.RecordContact)
        )
    except (InputError, RefusedError) as error:
        return _page(desk, kept, flash=messages.of_error(desk.reader, error), opened=action)
    flash = messages.of_answer(desk, answer, seen=desk.seen)
    if answer.refusal is not None:
        return _page(desk, kept, flash=flash, opened=action)
    return desk.back(at(kept), flash)


router.add_api_route(
    "/sites/{name}/{action}", do, methods=["POST"], route_class_override=action_forms.ActionRoute
)


def confirm(desk: Submission, name: str) -> None:
    """Check that the person has typed the site's name, on a page that showed the site.

    Raises:
        NotConfirmedError: if the person has not typed the name.
    """
    if desk.seen is None or not site_name.matches_name(name, desk.form.text("confirm")):
        raise NotConfirmedError


def at(name: str) -> str:
    """The path of the site's page."""
    return f"/sites/{quote(name, safe='')}"


def _page(
    who: RequestContext,
    name: str,
    *,
    whole: bool = False,
    doubted: str = "",
    flash: Flash | None = None,
    opened: str | None = None,
) -> Response:
    with who.timed() as (connection, here):
        reader = here.reader
        found = views.site(connection, name, reader.now)
        why = parts(connection, name, reader.when)
        would = possible_actions.on_site(connection, name, here.by, reader.now)
        policy = register.policy_in_force(connection)
        cases = lists.cases_of_run(connection, found["id"])
        filing = views.filing(connection, name)
        owed = here.app.report_duty
        reports = [] if owed is None else police.of_site(
            connection, found["id"], found["site"], reader.now, owed, limit=MAX_REPORTS
        )  # fmt: skip
    may_be_false = {name: reader.say(f"field.{name}") for name in CONTACT_FIELDS} | {
        key: filing_view.label_of(reader.language, of) for key, of in FIELD_OF.items()
    }
    story, picture = why["timeline"][::-1], suspensions.of(cases, reader.now)
    shown = story if whole else story[:STORY]
    return here.page(
        "site", status=409 if flash else 200, flash=flash, site=masked.document(found),
        why=why,
        path=at(name),
        story=masked.document(shown), more=len(story) - len(shown), untold=why["timeline_untold"],
        cases=cases, picture=picture,
        ends=picture and [reader.when(each) for each in (picture.first, picture.last)],
        opened=opened or here.kept.opened,
        typed=here.typed,
        not_now=reasons(here, would), two_people=policy.two_people_close, policy=policy,
        actions=action_forms.in_order("sites", _ACTIONS, here.identity.may),
        fields=may_be_false, doubted=doubted,
        dues=_dues(why["next"], reports), more_reports=len(reports) == MAX_REPORTS,
        score=completeness(details_of(filing)).score,
        terms=filing_view.terms(reader, filing["terms"]),
        waits=filing_view.waits(reader, found["tasks"]),
    )  # fmt: skip


def _dues(next_due: Due | None, reports: Iterable[Duty]) -> list[Due | Duty]:
    """What is due on the site by the clock, and which reports to the police: the nearest first."""
    dues: list[Due | Duty] = [*reports]
    if next_due is not None:
        dues.append(next_due)
    return sorted(dues, key=lambda each: datetime.fromisoformat(each["due"]))


def reasons(here: RequestContext, would: possible_actions.Possible) -> dict[str, str | None]:
    """Return why the desk would refuse each action now; None for what is possible."""
    return {
        action: None if refusal is None else messages.refusal_text(here.reader, refusal)
        for action, refusal in would.items()
    }


def known(name: str) -> str:
    """Normalise the site name in the path; raises UnknownSiteError for an invalid name."""
    try:
        return inputs.site(name)
    except (InputError, RefusedError) as error:
        raise UnknownSiteError(site=name[:100], way_out="", nearest=[]) from error
