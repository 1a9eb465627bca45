"""The page of the simulation: upload reports, choose policies, and see their differences.

The policy's page uses parts of this module.
"""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import simulation_form
from incidents.console.figures import comparison
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.result_cache import ResultCache
from incidents.console.submission import Submission, SubmittedWithFiles
from incidents.history.comparison import Comparison, Named
from incidents.machine import policy

router = APIRouter()
_SIMULATED: ResultCache[Comparison] = ResultCache()


@router.get("/simulate")
def show(here: Viewer) -> Response:
    """Show the form."""
    return _form(here)


@router.post("/simulate", dependencies=needs("simulate"))
def run(desk: SubmittedWithFiles) -> Response:
    """Run the simulation and redirect to its result."""
    desk.authorise("simulate")
    try:
        with simulation_form.slow_work_for(desk.app, desk.by) as spent:
            taken, named = simulation_form.read_taking(desk.form), _named(desk)
            history = simulation_form.read_history(desk.form, "file", desk.reader)
            found = simulation_form.compared(history, named, taken, spent)
    except simulation_form.InvalidSimulationError as error:
        return _form(desk, wrong=error.told(desk.reader), typed=dict(desk.form.fields))
    return desk.back(f"/simulate/{_SIMULATED.put(desk.by, found)}")


@router.get("/simulate/{id_}")
def result(here: Viewer, id_: str, page: int = 0) -> Response:
    """Show the result of a simulation, while it is kept."""
    here.needs("simulate")
    found = _SIMULATED.get(here.by, id_)
    if found is None:
        return _form(here, wrong=here.reader.say("compare.gone"), status=404)
    return here.page("policy/simulated", **comparison.facts(here, found, id_, page))


def _form(
    here: RequestContext, *, wrong: str | None = None, typed: dict[str, str] | None = None,
    status: int = 0,
) -> Response:  # fmt: skip
    return here.page(
        "policy/simulate", status=status or (422 if wrong else 200), wrong=wrong,
        typed=typed or here.typed, limits=simulation_form.LIMITS,
    )  # fmt: skip


def _named(desk: Submission) -> list[Named]:
    """Return the chosen, uploaded and pasted policies, in this order."""
    chosen, reader = desk.form.texts("use"), desk.reader
    found: list[Named] = []
    if "active" in chosen:
        found.append((reader.say("compare.active"), desk.app.desk.policy()))
    if "documented" in chosen:
        found.append((reader.say("compare.documented"), policy.DOCUMENTED))
    found += simulation_form.read_policies(desk.form, "policies")
    pasted = desk.form.text("toml")
    if pasted is not None:
        name = reader.say("compare.pasted")
        found.append((name, simulation_form.read_policy(pasted, name)))
    return found
