"""The simulation's page: a file of reports, policies to choose, and where they differ."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console.pages import comparing
from incidents.console.pages.comparing import AskedWrongError
from incidents.console.request_context import Acting, Looking, Sending, Sitting, needs
from incidents.console.result_cache import Shelf
from incidents.history.comparison import Comparison, Named
from incidents.machine import policy as policies

router = APIRouter()


@router.get("/simulate")
def show(here: Looking) -> Response:
    """The form."""
    here.needs("look")
    return _form(here)


@router.post("/simulate", dependencies=needs("simulate"))
def run(desk: Sending) -> Response:
    """Runs it, and goes to what came of it."""
    desk.proves("simulate")
    try:
        with comparing.spending(desk.house, desk.by) as spent:
            taken = comparing.taking(desk.given)
            named = _named(desk)
            history = comparing.history(desk.given, "file", desk.reader)
            found = comparing.compared(history, named, taken, spent)
    except AskedWrongError as error:
        return _form(desk, wrong=error.told(desk.reader), typed=dict(desk.given.fields))
    return desk.back(f"/simulate/{_shelf(desk).put(desk.by, found)}")


@router.get("/simulate/{id_}")
def result(here: Looking, id_: str, page: int = 0) -> Response:
    """What came of one, as long as it is kept."""
    here.needs("simulate")
    found = _shelf(here).get(here.by, id_)
    if found is None:
        return _form(here, wrong=here.reader.say("compare.gone"), status=404)
    return here.page("simulated", **told(here, found, id_, page))


def told(here: Sitting, found: Comparison, id_: str, page: int) -> dict[str, Any]:
    """What the template of a comparison knows."""
    last = max(0, (len(found.differences) - 1) // comparing.PAGE)
    page = min(max(page, 0), last)
    return {
        "id": id_,
        "found": found,
        "chart": comparing.chart(found, here.reader, "compared"),
        "rows": comparing.rows(found.differences, here.reader, page),
        "page": page,
        "last": last,
    }


def _shelf(here: Sitting) -> Shelf[Comparison]:
    found: Shelf[Comparison] = here.request.app.state.simulated
    return found


def _form(
    here: Sitting, *, wrong: str | None = None, typed: dict[str, str] | None = None,
    status: int = 0,
) -> Response:  # fmt: skip
    return here.page(
        "simulate", status=status or (422 if wrong else 200), wrong=wrong,
        typed=typed or here.typed, limits=comparing.LIMITS,
    )  # fmt: skip


def _named(desk: Acting) -> list[Named]:
    """The policies that were chosen, sent and pasted, in this order."""
    chosen, reader = desk.given.texts("use"), desk.reader
    found: list[Named] = []
    if "active" in chosen:
        found.append((reader.say("compare.active"), desk.house.desk.policy()))
    if "documented" in chosen:
        found.append((reader.say("compare.documented"), policies.DOCUMENTED))
    found += comparing.policy_files(desk.given, "policies")
    pasted = desk.given.text("toml")
    if pasted is not None:
        name = reader.say("compare.pasted")
        found.append((name, comparing.policy(pasted, name)))
    return found
