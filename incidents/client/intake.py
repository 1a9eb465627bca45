"""The intake of a server: a history goes there as the text of its file, and onto the record."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from typing import TYPE_CHECKING

from incidents.client.desk import facts
from incidents.client.faults import Document
from incidents.client.http import Exchange
from incidents.client.record import LONG_S
from incidents.errors import InputError
from incidents.machine.policy import write_duration
from incidents.machine.refusals import Refusal

if TYPE_CHECKING:
    from incidents.intake.importing import Tally

MAX_BYTES = 8_000_000


class LongHistoryError(InputError):
    """a server takes a history of {limit:,} bytes at most, and this one has {length:,}: cut it into
    several"""


class NotTextError(InputError):
    """over a server a history is UTF-8 throughout, and this one is not: mend it first"""


class RemoteIntake:
    """The import; raises ProblemError for what the server refuses, ServerError if it is away."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def bring_in(
        self, raw: bytes, *, zone: tzinfo, group_within: timedelta | None, skip_bad: bool,
        dry_run: bool,
    ) -> Tally:  # fmt: skip
        """Brings the history in, a time without an offset being in `zone`; what it comes to.

        Raises:
            LongHistoryError: for more than goes in one request.
            NotTextError: for what does not go as a text.
        """
        if len(raw) > MAX_BYTES:
            raise LongHistoryError(limit=MAX_BYTES, length=len(raw))
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            raise NotTextError from error
        words = {
            "history": text, "zone": str(zone), "skip_bad": skip_bad,
            "group_within": None if group_within is None else write_duration(group_within),
        }  # fmt: skip
        found, _ = self._exchange.exchange(
            "POST", "/import", words=words, query={"dry_run": dry_run or None}, within_s=LONG_S
        )
        return _tally(found)


def _tally(told: Document) -> Tally:
    from incidents.intake.importing import SiteTally, Tally

    sites = {each.pop("site"): SiteTally(**each) for each in map(dict, told["by_site"])}
    refused = [
        (each["line"], Refusal(each["name"], facts(each["facts"]))) for each in told["refusals"]
    ]
    return Tally(sites=sites, ids=list(told["ids"]), refused=refused)
