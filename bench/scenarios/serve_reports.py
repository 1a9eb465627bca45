"""The reports that wait, over HTTP, with very many reports and with few.

Measured: milliseconds from a request to the last byte of its answer, of the console's list of the
reports that wait (`GET /reports`, 50 of them), of the page of one report, and of the API's first
page; the median of many, one after the other over one connection. A real `incidents serve` of one
process answers, each database its own. The ratio of the larger to the smaller one counts.

A hundred reports were received, and the rest copied from them as rows, with the hosts that they
name; half of them wait, the others have ended as not ours.

Not measured: the browser, and further pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select

from bench import looks
from bench.context import Context
from bench.databases import Databases
from bench.exchange import request
from bench.register import add_sites, desk_of, site_name
from bench.scenarios.intake import mail
from bench.service import sessions, token
from bench.trial import Target, Trial
from incidents.inbox.receiving import Delivery, Inbox
from incidents.store.database.engine import create, writing
from incidents.store.schema.report_tables import report_hosts, reports

LIST, ONE, API = "the list", "one report", "API"
_SAMPLE = 100
_AT_ONCE = 5_000


def trials(context: Context) -> Iterator[Trial]:
    """One for each kind of database."""
    few, many = {
        "tiny": (100, 400), "small": (1_000, 100_000), "full": (1_000, 1_000_000),
    }[context.size]  # fmt: skip
    for databases in context.each():
        yield from _trial(context, databases, (few, many))


def _trial(context: Context, databases: Databases, sizes: tuple[int, int]) -> Iterator[Trial]:
    times = context.of_size(tiny=3, small=30, full=100)
    with ExitStack() as stack:
        written = stack.enter_context(databases.new())
        _receive(written, context.folder / f"serve-reports-{databases.kind}")
        session = sessions(written, ["operator-1"])[0]
        own = token(written, "integrator-1", "integrator")
        asked = {
            LIST: request("GET", "/reports", session),
            ONE: request("GET", "/reports/r1", session),
            API: request("GET", "/api/v1/reports?waiting=true", own),
        }
        contenders = looks.contenders(
            stack, databases, written, context.folder / f"serve-reports-{databases.kind}",
            sizes=sizes, grow=_multiply, unit="reports", asked=asked, label=_label, looks=times,
        )  # fmt: skip
        few, many = sizes
        yield Trial(
            scenario="serve_reports",
            database=databases.kind,
            title=f"the pages of reports over HTTP, medians of {times} requests",
            contenders=contenders,
            targets=[
                Target(of=_label(what, many), against=_label(what, few), at_most=1.5)
                for what in (LIST, ONE, API)
            ],
            notes=[f"all but {_SAMPLE} of the reports are copied as rows"],
        )


def _label(what: str, size: int) -> str:
    return f"{what}, {size:,} reports"


def _receive(url: str, folder: Path) -> None:
    """A hundred sites, and a report about each."""

    def delivery(n: int) -> Delivery:
        return Delivery(lambda: nullcontext(BytesIO(mail(n))))

    with desk_of(url) as desk:
        add_sites(desk, range(1, _SAMPLE + 1))
        inbox = Inbox(
            desk=desk, folder=folder, limit=1 << 20, options={}, channel="maildir", by="daemon",
            login=None,
        )  # fmt: skip
        assert sum(map(len, inbox.receive(map(delivery, range(_SAMPLE))))) == _SAMPLE


def _multiply(url: str, size: int) -> None:
    engine = create(url)
    with writing(engine) as connection:
        sample = [dict(row) for row in connection.execute(select(reports)).mappings()]
        hosts: dict[int, list[str]] = {}
        for row in connection.execute(select(report_hosts)):
            hosts.setdefault(row.report_id, []).append(row.host)
        for start in range(_SAMPLE + 1, size + 1, _AT_ONCE):
            some = range(start, min(start + _AT_ONCE, size + 1))
            connection.execute(insert(reports), [_copy(sample[n % _SAMPLE], n) for n in some])
            named = [
                {"report_id": n, "host": host}
                for n in some
                for host in hosts.get(sample[n % _SAMPLE]["id"], [site_name(1)])
            ]
            connection.execute(insert(report_hosts), named)
        assert connection.scalar(select(func.count()).select_from(reports)) == size
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")
    engine.dispose()


def _copy(of: dict[str, Any], n: int) -> dict[str, Any]:
    at = of["received_at"] + timedelta(seconds=n)
    ended = {"state": "not_ours", "settled_at": at, "settled_by": "operator-1"}
    return {
        **of, "id": n, "digest": f"{n:064x}", "message_id": f"{n:064x}", "received_at": at,
        **(ended if n % 2 else {}),
    }  # fmt: skip
