"""The histories over HTTP: simulate one under policies, or import it into the record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta
from functools import partial
from typing import Annotated, Literal, TypeVar

from pydantic import Field
from starlette.responses import Response

from incidents import clock
from incidents.api import bodies, parameters, problems
from incidents.api.authentication import DryRunCaller, ReadCaller
from incidents.api.caller import Caller
from incidents.api.endpoints import policies
from incidents.api.limits import IMPORTING, SIMULATING
from incidents.api.operation import ALONE, JSON, answering, operation, router
from incidents.contract.documents import policies as policy_documents
from incidents.contract.documents.actions import InvalidPart
from incidents.errors import InputError
from incidents.history import importing, picture, reports, trial_process
from incidents.history.comparison import MAX_POLICIES, MAX_REPORTS, Named, PreparedHistory
from incidents.history.importing import Import
from incidents.history.reports import Draw, TooManyReportsError
from incidents.history.rows import HistoryError
from incidents.history.simulate import Outcome
from incidents.history.trial_process import BadLinesError, Trial, Upload
from incidents.machine.policy import DOCUMENTED, read_duration

T = TypeVar("T")

routes = router("histories")


MAX_IMPORTED = 1_000
"""The maximum number of reports in one import request. Processing them takes at most a second of
processor time, and the desk continues meanwhile."""
SVG = "image/svg+xml"
_MAX_SEED = 10**9
_PICTURED = answering("simulate", "The picture.", SVG, acting=True, large=True, slowed=True)


class HistoryFile(bodies.Form):
    """A history: CSV with a header, or JSON Lines.

    Times without an offset are in the time zone `zone`, by default UTC. A report about a site is
    merged with the last counted report about the same site if it follows within `group_within`,
    such as 60m.
    """

    history: Annotated[str, Field(max_length=2_000_000)]
    zone: bodies.Short | None = None
    group_within: Annotated[str, Field(max_length=20)] | None = None
    skip_bad: bool = False


class NamedPolicy(bodies.Form):
    """A policy, and the name for it in the answer."""

    name: Annotated[str, Field(min_length=1, max_length=100)]
    toml: policies.Toml


class Simulating(HistoryFile):
    """A history, and the policies to run it under.

    If a report has no contact outcome, an outcome is drawn at random: somebody answers with the
    probability `reach`. The same `seed` gives the same outcomes.
    """

    history: Annotated[str, Field(max_length=8_000_000)]
    policies: list[Literal["active", "documented"] | NamedPolicy] = Field(
        default=["active"], min_length=1, max_length=MAX_POLICIES
    )
    reach: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    seed: Annotated[int, Field(ge=-_MAX_SEED, le=_MAX_SEED)] = 0


@routes.post(
    "/simulate",
    **operation("simulate", policy_documents.Simulated, acting=True, large=True, slowed=True),
)
def simulate(by: ReadCaller, asked: Simulating) -> JSON:
    """Run a history through policies in simulated time; nothing is stored.

    A request can have up to 100,000 reports. Only one request runs at a time.
    """
    return JSON(_tried(by, asked, PreparedHistory.document))


@routes.post("/simulate/picture", response_class=Response, **_PICTURED)
def pictured(by: ReadCaller, asked: Simulating) -> Response:
    """Draw suspensions and closures over time under each policy (SVG).

    Times are in the time zone `zone`.
    """
    drawn = _tried(by, asked, partial(picture.of, zone=by.zone))
    return Response(drawn, media_type=SVG, headers=ALONE)


@routes.post(
    "/import", **operation("import_incident", policy_documents.Imported, acting=True, large=True)
)
def bring_in(by: DryRunCaller, asked: HistoryFile) -> JSON:
    """Import sites and past incidents as records, up to 1,000 reports in one request.

    Imported incidents start no clock and do not count in any rule. All lines are checked before
    anything is written. A row that was imported before, from any file, is not imported again, so
    you can send an interrupted request again unchanged. Only one request runs at a time. A dry run
    shows the problems of each line.
    """
    by.needs("add_site")
    with IMPORTING.taken():
        with _as_asked():
            history = trial_process.read_usable(_sent(asked), MAX_IMPORTED, skip_bad=True)
            importing.refuse_future(history, clock.now())
            if not (by.dry_run or asked.skip_bad):
                trial_process.refuse_bad(history.bad)
        findings = reports.group_reports(history.reports, _within(asked))
        with by.reading() as connection:
            known = importing.known(connection, findings)
        tally = Import(
            desk=by.app.desk, known=known, by=by.by, login=by.identity.login, dry_run=by.dry_run
        ).take(findings)
        found = importing.document(history, findings, tally, dry_run=by.dry_run)
        return JSON({**found, "by_site": importing.by_site(tally), "ids": tally.ids})


def _tried(
    by: Caller, asked: Simulating, told: Callable[[PreparedHistory, tuple[Outcome, ...]], T]
) -> T:
    """Run a simulation and return its result; only one runs at a time."""
    with by.spending() as spent, SIMULATING.taken(), _as_asked():
        trial = Trial(
            source=_sent(asked), most=MAX_REPORTS, skip_bad=asked.skip_bad,
            draw=Draw(reach=asked.reach, seed=asked.seed), within=_within(asked),
            policies=tuple(_policy(by, n, each) for n, each in enumerate(asked.policies)),
            summarize=told,
        )  # fmt: skip
        return trial_process.run_trial(trial, spent)


def _sent(asked: HistoryFile) -> Upload:
    zone = UTC if asked.zone is None else parameters.read(asked.zone, "body", "zone")
    # An incomplete character is kept as it is, and makes its line invalid.
    return Upload(asked.history.encode(errors="surrogatepass"), "history", zone)


@contextmanager
def _as_asked() -> Iterator[None]:
    """Report the line of an error in a history.

    The lines may hold text that people wrote, so only the numbers of bad lines are given.
    """
    try:
        yield
    except HistoryError as error:
        line = error.facts["line"]
        told = "this line does not belong in a history"
        raise problems.unprocessable(
            "no_history", "this is not a history: send CSV with a header, or JSON Lines, in UTF-8,"
            " with occurred_at and site",
            errors=[] if line is None else [_part(line, "no_history", told)],
        ) from error  # fmt: skip
    except TooManyReportsError as error:
        limit = error.facts["limit"]
        raise problems.unprocessable(
            "too_many_reports", f"the limit is {limit} reports for one request: split the history"
        ) from error
    except BadLinesError as error:
        errors = [
            _part(bad.line, "bad_line", "this line cannot be used") for bad in error.facts["lines"]
        ]
        raise problems.unprocessable(
            "bad_lines", f"{error.facts['count']:,} lines of the history cannot be used: correct"
            " them, or skip them with `skip_bad`", errors=errors,
        ) from error  # fmt: skip


def _part(line: int, kind: str, told: str) -> InvalidPart:
    return problems.part(kind, told, "body", "history", str(line))


def _within(asked: HistoryFile) -> timedelta | None:
    if asked.group_within is None:
        return None
    try:
        return read_duration(asked.group_within)
    except (ValueError, OverflowError) as error:
        raise InputError.coded(
            "bad_group_within", "group_within is not a duration: write 60m, 1h30m or 24h"
        ) from error


def _policy(by: Caller, place: int, asked: str | NamedPolicy) -> Named:
    if isinstance(asked, NamedPolicy):
        return asked.name, policies.read(asked.toml, where=("policies", str(place)))
    return asked, DOCUMENTED if asked == "documented" else by.app.desk.policy()
