"""The comparison of policies, as a page shows it: a chart, and the sites that differ."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypedDict

from incidents.console.figures.chart import Chart, Series
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext
from incidents.history.comparison import Comparison, Difference
from incidents.history.simulate import CLOSING_RULES, SUSPENSION

PAGE = 100
"""The maximum number of differing sites on one page."""


class Facts(TypedDict):
    """The facts for the template that shows a comparison."""

    id: str
    lead: str
    found: Comparison
    page: int
    last: int
    chart: Chart
    rows: Sequence[tuple[str, list[list[tuple[str, datetime, int]]]]]


def facts(here: RequestContext, found: Comparison, id_: str, page: int) -> Facts:
    """Return the facts of a comparison, with one page of the sites that differ."""
    last = max(0, (len(found.differences) - 1) // PAGE)
    page = min(max(page, 0), last)
    return {
        "id": id_, "lead": _lead(found, here.reader), "found": found, "page": page, "last": last,
        "chart": _chart(found, here.reader, "compared"),
        "rows": _rows(found.differences, here.reader, page),
    }  # fmt: skip


def _lead(found: Comparison, reader: Reader) -> str:
    """The closures and suspensions under each policy, in one sentence."""
    closures = [sum(out.closed.values()) for out in found.outcomes]
    suspensions = [out.suspensions for out in found.outcomes]
    told = {
        name: " → ".join(f"{n:,}" for n in counts)
        for name, counts in (("closures", closures), ("suspensions", suspensions))
    }
    return reader.say("compare.lead", **told)


def _rows(
    differences: Sequence[Difference], reader: Reader, page: int
) -> list[tuple[str, list[list[tuple[str, datetime, int]]]]]:
    """Return the differences on a page (from 0) as rows for the template.

    Each row has the site and, for each policy, its effects with their first time and their number.
    """
    return [
        (
            each.site,
            [
                [(_what_of(reader, action.what), action.first, action.n) for action in actions]
                for actions in each.actions
            ],
        )
        for each in differences[page * PAGE : (page + 1) * PAGE]
    ]


def _chart(found: Comparison, reader: Reader, key: str) -> Chart:
    """Chart how many sites each policy suspended, and how many it closed by each rule."""
    whats = (SUSPENSION, *CLOSING_RULES)
    counts = [
        [out.suspensions if what == SUSPENSION else out.closed[what] for out in found.outcomes]
        for what in whats
    ]
    return Chart(
        key=key,
        is_choice=True,
        title=reader.say("compare.chart"),
        told=reader.say("compare.chart.told", n=f"{len(found.differences):,}"),
        counted=reader.say("compare.chart.axis"),
        across=reader.say("compare.policy"),
        labels=[outcome.policy for outcome in found.outcomes],
        ticks=[shortened(outcome.policy, 14) for outcome in found.outcomes],
        series=[
            Series(_what_of(reader, what), n)
            for what, n in zip(whats, counts, strict=True)
            if sum(n)
        ],
    )


def _what_of(reader: Reader, what: str) -> str:
    """The effect of a policy on a site: a suspension, or a closure by a rule."""
    return reader.word("outcome_of_policy", what)


def shortened(text: str, most: int) -> str:
    """Return the text in at most so many characters, the last an ellipsis if it was longer."""
    return text if len(text) <= most else text[: most - 1] + "…"
