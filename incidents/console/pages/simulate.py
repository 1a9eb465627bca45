"""The page of the simulation: a file of reports, chosen policies, and where they differ.

The policy's page uses parts of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypedDict

from fastapi import APIRouter
from starlette.responses import Response

from incidents.api.limits import SIMULATING, BusyError
from incidents.app import App
from incidents.console.acting import Acting, Sending
from incidents.console.chart import Chart, Series
from incidents.console.forms import Given
from incidents.console.request_context import Looking, RequestContext, ResultCache, needs
from incidents.console.writing import Reader
from incidents.errors import Cause, IncidentsError
from incidents.history import apart, comparison
from incidents.history.apart import BadLinesError, Sent, Source, TooCostlyError, Trial
from incidents.history.comparison import MAX_POLICIES, MAX_REPORTS, Comparison, Named
from incidents.history.reports import Draw, TooManyReportsError
from incidents.history.rows import HistoryError
from incidents.history.simulate import CLOSING_RULES, SUSPENSION
from incidents.machine import policy
from incidents.system.side_process import OverspentError, Spent

router = APIRouter()
_SIMULATED: ResultCache[Comparison] = ResultCache()

MAX_BYTES = 8 * 2**20
MAX_POLICY_BYTES = 100_000
PAGE = 100
"""So many sites that differ stand on one page."""
LIMITS = {"MAX_BYTES": MAX_BYTES, "MAX_REPORTS": MAX_REPORTS, "MAX_POLICIES": MAX_POLICIES}
"""What the forms tell of what may be sent."""
_MAX_NAME = 60
_MAX_SEED = 10**9


_UNDONE: dict[type[IncidentsError], str] = {
    BusyError: "compare.busy",
    TooManyReportsError: "compare.many",
    TooCostlyError: "compare.costly",
}
"""What is told where a history was not run to its end."""


class AskedWrongError(Exception):
    """What was asked cannot be tried: `key` of the catalogue with its facts, for who asked."""

    def __init__(self, key: str, **facts: Any) -> None:
        super().__init__(key)
        self.key, self.facts = key, facts

    def told(self, reader: Reader) -> str:
        """The sentence."""
        facts = {
            name: reader.spoken.cause(fact, reader.when) if isinstance(fact, Cause) else fact
            for name, fact in self.facts.items()
        }
        return reader.say(self.key, **facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """How a history is taken: what lies within `within` as one, and how calls are drawn."""

    within: timedelta | None
    draw: Draw
    skip_bad: bool


def read_taking(given: Given) -> Taking:
    """As the form says; raises AskedWrongError."""
    within = given.text("group_within")
    try:
        grouped = None if within is None else policy.read_duration(within)
    except (ValueError, OverflowError) as error:
        raise AskedWrongError("compare.bad_within") from error
    reach, seed = given.text("reach") or "100", given.text("seed") or "0"
    if not (_is_number(reach) and int(reach) <= 100):
        raise AskedWrongError("compare.bad_reach")
    if not (_is_number(seed) and int(seed) < _MAX_SEED):
        raise AskedWrongError("compare.bad_seed")
    draw = Draw(reach=int(reach) / 100, seed=int(seed))
    return Taking(within=grouped, draw=draw, skip_bad=given.text("skip_bad") is not None)


def read_history(given: Given, name: str, reader: Reader) -> Sent:
    """The history in the file that was sent under that name; raises AskedWrongError."""
    sent = given.file(name)
    if sent is None:
        raise AskedWrongError("compare.no_file")
    if sent.size is None or sent.size > MAX_BYTES:
        raise AskedWrongError("compare.large", limit=f"{MAX_BYTES // 2**20} MiB")
    zone = reader.zone if given.text("zone") == "desk" else UTC
    return Sent(sent.file.read(), _file_name(sent.filename), zone)


def read_policies(given: Given, name: str) -> list[Named]:
    """The policies that were sent as files under that name; raises AskedWrongError."""
    found = []
    for sent in given.files(name):
        called = _file_name(sent.filename)
        if sent.size is None or sent.size > MAX_POLICY_BYTES:
            raise AskedWrongError("compare.large_policy", name=called)
        found.append((called, read_policy(sent.file.read(), called)))
    return found


def read_policy(text: bytes | str, name: str) -> policy.Policy:
    """The policy in a text that is called `name`; raises AskedWrongError."""
    try:
        return policy.read(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise AskedWrongError("compare.no_text", name=name) from error
    except policy.PolicyError as error:
        raise AskedWrongError("compare.no_policy", name=name, detail=error.args[0]) from error


def compared(source: Source, named: Sequence[Named], taken: Taking, spent: Spent) -> Comparison:
    """What came of it; raises AskedWrongError."""
    if not named:
        raise AskedWrongError("compare.none")
    if len(named) > MAX_POLICIES:
        raise AskedWrongError("compare.too_many", limit=MAX_POLICIES)
    trial = Trial(
        source=source, policies=tuple(named), draw=taken.draw, within=taken.within,
        most=MAX_REPORTS, skip_bad=taken.skip_bad, told=comparison.of,
    )  # fmt: skip
    try:
        with SIMULATING.taken():
            return apart.tried(trial, spent)
    except HistoryError as error:
        line, detail = error.facts.get("line"), error.facts["detail"]
        if line is None:
            raise AskedWrongError("compare.no_history", detail=detail) from error
        raise AskedWrongError("compare.bad_line", line=f"{line:,}", detail=detail) from error
    except BadLinesError as error:
        first, more = error.facts["lines"][0], error.facts["count"] - 1
        key = "compare.bad_lines" if more else "compare.bad_line"
        raise AskedWrongError(
            key, line=f"{first.line:,}", detail=first.detail, more=f"{more:,}"
        ) from error
    except tuple(_UNDONE) as error:
        raise AskedWrongError(_UNDONE[type(error)], **error.facts) from error


@contextmanager
def spending(house: App, by: str) -> Iterator[Spent]:
    """While it lasts the processor is used for that account; raises AskedWrongError if it has had
    enough."""
    with ExitStack() as stack:
        try:
            spent = stack.enter_context(house.expenses.of(by))
        except OverspentError as error:
            raise AskedWrongError("compare.overspent", **error.facts) from error
        yield spent


def comparison_rows(
    differences: Sequence[comparison.Difference], reader: Reader, page: int
) -> list[tuple[str, list[list[tuple[str, datetime, int]]]]]:
    """The differences of a page (from 0): each site with what each policy did to it, told: what,
    when first, and how often."""
    return [
        (
            each.site,
            [[(what_of(reader, act.what), act.first, act.n) for act in acts] for acts in each.acts],
        )
        for each in differences[page * PAGE : (page + 1) * PAGE]
    ]


def comparison_chart(found: Comparison, reader: Reader, key: str) -> Chart:
    """The sites that each policy closed, by rule, and those that it suspended."""
    whats = (SUSPENSION, *CLOSING_RULES)
    counts = [
        [out.suspensions if what == SUSPENSION else out.closed[what] for out in found.outcomes]
        for what in whats
    ]
    return Chart(
        key=key,
        title=reader.say("compare.chart"),
        told=reader.say("compare.chart.told", n=f"{len(found.differences):,}"),
        across=reader.say("compare.policy"),
        labels=[outcome.policy for outcome in found.outcomes],
        ticks=[_cut(outcome.policy, 14) for outcome in found.outcomes],
        series=[
            Series(what_of(reader, what), n)
            for what, n in zip(whats, counts, strict=True)
            if sum(n)
        ],
    )


def what_of(reader: Reader, what: str) -> str:
    """What a policy did to a site: suspended it, or closed it by a rule."""
    return reader.say("compare.suspended") if what == SUSPENSION else reader.word("closed_by", what)


def _file_name(name: str | None) -> str:
    return _cut("".join(c for c in name or "?" if c.isprintable()), _MAX_NAME)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9


@router.get("/simulate")
def show(here: Looking) -> Response:
    """The form."""
    return _form(here)


@router.post("/simulate", dependencies=needs("simulate"))
def run(desk: Sending) -> Response:
    """Runs it, and goes to what came of it."""
    desk.proves("simulate")
    try:
        with spending(desk.house, desk.by) as spent:
            taken, named = read_taking(desk.given), _named(desk)
            history = read_history(desk.given, "file", desk.reader)
            found = compared(history, named, taken, spent)
    except AskedWrongError as error:
        return _form(desk, wrong=error.told(desk.reader), typed=dict(desk.given.fields))
    return desk.back(f"/simulate/{_SIMULATED.put(desk.by, found)}")


@router.get("/simulate/{id_}")
def result(here: Looking, id_: str, page: int = 0) -> Response:
    """What came of one, as long as it is kept."""
    here.needs("simulate")
    found = _SIMULATED.get(here.by, id_)
    if found is None:
        return _form(here, wrong=here.reader.say("compare.gone"), status=404)
    return here.page("simulated", **comparison_facts(here, found, id_, page))


class ComparisonFacts(TypedDict):
    """What the template of a comparison knows."""

    id: str
    found: Comparison
    page: int
    last: int
    chart: Chart
    rows: Sequence[tuple[str, list[list[tuple[str, datetime, int]]]]]


def comparison_facts(
    here: RequestContext, found: Comparison, id_: str, page: int
) -> ComparisonFacts:
    """The facts of that comparison, and of one page of the sites that differ."""
    last = max(0, (len(found.differences) - 1) // PAGE)
    page = min(max(page, 0), last)
    return {
        "id": id_, "found": found, "page": page, "last": last,
        "chart": comparison_chart(found, here.reader, "compared"),
        "rows": comparison_rows(found.differences, here.reader, page),
    }  # fmt: skip


def _form(
    here: RequestContext, *, wrong: str | None = None, typed: dict[str, str] | None = None,
    status: int = 0,
) -> Response:  # fmt: skip
    return here.page(
        "simulate", status=status or (422 if wrong else 200), wrong=wrong,
        typed=typed or here.typed, limits=LIMITS,
    )  # fmt: skip


def _named(desk: Acting) -> list[Named]:
    """The policies that were chosen, sent and pasted, in this order."""
    chosen, reader = desk.given.texts("use"), desk.reader
    found: list[Named] = []
    if "active" in chosen:
        found.append((reader.say("compare.active"), desk.house.desk.policy()))
    if "documented" in chosen:
        found.append((reader.say("compare.documented"), policy.DOCUMENTED))
    found += read_policies(desk.given, "policies")
    pasted = desk.given.text("toml")
    if pasted is not None:
        name = reader.say("compare.pasted")
        found.append((name, read_policy(pasted, name)))
    return found
