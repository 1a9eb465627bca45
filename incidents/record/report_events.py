"""What is on record of reports: that one came in, and what it led to."""

from __future__ import annotations

from dataclasses import dataclass

from incidents.machine.event import Event, kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportEvent(Event):
    """The fields that all actions on reports have: the number of the `report`."""

    report: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived(ReportEvent):
    """An action of the desk: a report came in by `channel`, and is kept unchanged.

    `digest` is the SHA-256 (hexadecimal) of its `size` bytes; `kept`: that of its first bytes, if
    it is too long to keep all. `format`: what it was read as. `unread`: why it could not be read.
    `text` is what was read out of it, as JSON, a reference to a sealed value. `same_id_as`: an
    earlier report with the same Message-ID and other bytes.
    """

    kind = "report_received"
    digest: str
    size: int
    channel: str
    format: str
    text: str
    kept: str | None = None
    unread: str | None = None
    same_id_as: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLogged(ReportEvent):
    """An action of the desk: the report was logged as a new incident, `about` (`12-3`)."""

    kind = "report_logged"
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportJoined(ReportEvent):
    """An action of the desk: the report is `about` an incident on record (`12-3`)."""

    kind = "report_joined"
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDismissed(ReportEvent):
    """An action of the desk: the report leads to no incident, for the reason `text`.

    `not_ours`: because it is about nothing that this provider hosts. `text` is a reference to a
    sealed value.
    """

    kind = "report_dismissed"
    text: str
    not_ours: bool = False


KINDS = kinds(globals())
