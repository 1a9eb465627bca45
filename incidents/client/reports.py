"""The reports of a server: sent in byte for byte, and dismissed; and its intake rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from incidents.client.http import Exchange
from incidents.values.ids import report_id

if TYPE_CHECKING:
    from incidents.contract.documents.reports import (
        CheckedRules,
        Reporter,
        ReportInFull,
        RulesActivated,
        RulesTrial,
        Settled,
    )
    from incidents.desk.envelope import Envelope
    from incidents.inbox.receiving import Delivery
    from incidents.values.json_object import JSONObject

_CREATED = 201
_LONG_S = 300.0


def reporter_path(reporter: str) -> str:
    """The path of a reporter."""
    return f"/reporters/{quote(reporter, safe='')}"


class RemoteReports:
    """The reports of a server, with the interface of `inbox.report_desk.ReportDesk`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def receive(
        self, deliveries: Iterable[Delivery], **_: object
    ) -> Iterator[tuple[ReportInFull, bool]]:
        """Send in the reports, one by one; the token's owner brings them.

        Raises:
            ServerError: if the server does not answer.
            ProblemError: if the token does not allow it, or the report is too large.
        """
        for each in deliveries:
            with each.open() as source:
                answer = self._exchange.send(
                    "POST", "/reports", query={"name": each.name or None}, content=source,
                    headers={"Content-Type": "application/octet-stream"}, timeout=_LONG_S,
                )  # fmt: skip
            found = cast("ReportInFull", answer.json())
            yield found, answer.status_code == _CREATED

    def ensure_site(self, *_: object, **__: object) -> None:
        """The server does that itself when a report is logged."""

    def missing_site(self, *_: object, **__: object) -> list[Envelope]:
        """None: as for `ensure_site`."""
        return []

    def check_rules(self, toml: str) -> CheckedRules:
        """Check intake rules for the server's desk. Raises the errors of `receive`."""
        found, _tag = self._exchange.exchange("POST", "/intake-rules/check", words={"toml": toml})
        return cast("CheckedRules", found)

    def try_rules(self, toml: str, *, days: int) -> RulesTrial:
        """Try intake rules on the server's reports. Raises the errors of `receive`."""
        found, _tag = self._exchange.exchange(
            "POST", "/intake-rules/try", words={"toml": toml, "days": days}, within_s=_LONG_S
        )
        return cast("RulesTrial", found)

    def activate_rules(
        self, toml: str, *, reason: str, key: str | None = None, dry_run: bool = False, **_: object
    ) -> RulesActivated:
        """Activate intake rules. Raises the errors of `receive`."""
        answer, _tag = self._exchange.exchange(
            "POST", "/intake-rules", key=key, words={"toml": toml, "reason": reason},
            query={"dry_run": dry_run or None},
        )  # fmt: skip
        return cast("RulesActivated", answer)

    def dismiss(
        self, report: int, reason: str, *, not_ours: bool, tell_reporter: bool = False,
        dry_run: bool = False, **_: object,
    ) -> Settled:  # fmt: skip
        """Dismiss the report. Raises the errors of `receive`."""
        words = {"reason": reason, "not_ours": not_ours, "tell_reporter": tell_reporter}
        return self._act(report, "dismiss", words, dry_run=dry_run)

    def reopen(self, report: int, reason: str, *, dry_run: bool = False, **_: object) -> Settled:
        """Open the report again. Raises the errors of `receive`."""
        return self._act(report, "reopen", {"reason": reason}, dry_run=dry_run)

    def retest(self, report: int, *, dry_run: bool = False, **_: object) -> Settled:
        """Let the server look at the addresses of the report. Raises the errors of `receive`."""
        return self._act(report, "retest", None, dry_run=dry_run, within_s=_LONG_S)

    def _act(
        self, report: int, act: str, words: JSONObject | None, *, dry_run: bool,
        within_s: float | None = None,
    ) -> Settled:  # fmt: skip
        answer, _tag = self._exchange.exchange(
            "POST", f"/reports/{report_id(report)}/{act}", words=words,
            query={"dry_run": dry_run or None}, within_s=within_s,
        )  # fmt: skip
        return cast("Settled", answer)

    def mark(
        self, reporter: str, standing: str, reason: str, *, dry_run: bool = False, **_: object
    ) -> Reporter:
        """Give the reporter a standing, and return the reporter. Raises the errors of `receive`."""
        answer, _tag = self._exchange.exchange(
            "POST", reporter_path(reporter), words={"standing": standing, "reason": reason},
            query={"dry_run": dry_run or None},
        )  # fmt: skip
        return cast("Reporter", answer)


class RemoteReportSources:
    """The bytes of a server's reports; the server puts on record that they left."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def pieces(
        self, report: int, attachment: int | None, screenshot: int | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes of the report, or of its attachment of that number, from 1.

        Or those of the picture of the page in its snapshot of that number.

        Raises:
            ServerError: if the server does not answer.
            ProblemError: if the token does not allow it, or the report is sealed.
        """
        path = _path(report, attachment, screenshot)
        return self._exchange.pieces(path, within_s=_LONG_S)

    def opened(
        self, report: int, attachment: int | None, screenshot: int | None, reason: str
    ) -> Iterator[bytes]:
        """Yield the bytes of what is sealed; raises the errors of `pieces`."""
        path = f"{_path(report, attachment, screenshot)}/open"
        yield self._exchange.send("POST", path, json={"reason": reason}, timeout=_LONG_S).content


def _path(report: int, attachment: int | None, screenshot: int | None) -> str:
    of = f"/reports/{report_id(report)}"
    if screenshot is not None:
        return f"{of}/snapshots/{screenshot}/screenshot"
    return f"{of}/source" if attachment is None else f"{of}/attachments/{attachment}"
