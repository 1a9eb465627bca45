"""The bytes of reports, and of pictures of the pages that they name.

They are shown within limits, or handed out, which is on record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from incidents.contract.documents.reports import ReportInFull
from incidents.desk.desk import Desk
from incidents.desk.inbox.releases import Recipient, release
from incidents.errors import (
    NoSuchAttachmentError,
    NoSuchScreenshotError,
    ReportNotKeptError,
    SealedContentError,
)
from incidents.inbox.children import preview
from incidents.inbox.children.preview import Preview
from incidents.inbox.children.source_view import SourceView
from incidents.inbox.receiving import MAX_READ
from incidents.record import evidence
from incidents.store.database.engine import Reading
from incidents.system import disk
from incidents.values.ids import report_id
from incidents.views.inbox import reports, sealed_files

_PIECE = 1 << 18


class SourceFile(NamedTuple):
    """The kept bytes of a report, and the report itself."""

    path: Path
    report: ReportInFull

    @property
    def first(self) -> bytes:
        """The bytes that were read when it was received."""
        with disk.file_errors(self.path, "read"), self.path.open("rb") as file:
            return file.read(MAX_READ)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSources:
    """The bytes of the reports of one database; `folder`: of the evidence."""

    desk: Desk
    reading: Reading
    folder: Path

    def view(self, report: ReportInFull) -> SourceView:
        """What the report's page shows of its source: nothing if it is sealed."""
        if report["sealed"]:
            return SourceView(reason="sealed")
        path = evidence.kept(self.folder, report["kept"] or report["digest"])
        if path is None:
            return SourceView(reason="not_kept")
        return preview.view_source(SourceFile(path, report).first)

    def preview(self, report: int, n: int, to: Recipient, *, framed: bool = False) -> Preview:
        """What is shown of attachment `n`, from 1; if anything is, that is on record.

        `framed`: a picture is only announced, for a page that then asks for it.

        Raises:
            SealedContentError: if the report is sealed, whoever asks.
            The errors of `attachment`.
        """
        found, digest = self._attachment(report, n)
        if self._is_sealed(found.report, digest):
            raise SealedContentError(about=report_id(report))
        made = preview.preview(found.first, digest)
        if made.source is not None or (made.picture is not None and not framed):
            release(self.desk, to, about=_about(report, n), digest=digest, sealed=False)
        return made

    def pieces(self, report: int, attachment: int | None, to: Recipient) -> Iterator[bytes]:
        """The bytes of the report, or of its attachment of that number, from 1.

        That they left is on record when this returns.

        Raises:
            NoSuchReportError, NoSuchAttachmentError: if there is none.
            ReportNotKeptError: if the bytes were erased.
            The errors of `desk.releases.release`.
        """
        if attachment is not None:
            return iter([self._taken_out(report, attachment, to)])
        found = self._file(report)
        digest = found.report["digest"]
        sealed = self._is_sealed(found.report, found.report["kept"] or digest)
        release(self.desk, to, about=report_id(report), digest=digest, sealed=sealed)
        return _pieces(found.path)

    def screenshots(self, report: ReportInFull) -> frozenset[int]:
        """The numbers of the report's snapshots with a picture to show: none if it is sealed."""
        if report["sealed"]:
            return frozenset()
        return frozenset(
            each["n"] for each in report["snapshots"]
            if evidence.kept(self.folder, each["screenshot"] or "") is not None
        )  # fmt: skip

    def screenshot(self, report: int, n: int, to: Recipient) -> bytes:
        """The picture of the page in the report's snapshot `n`, from 1: a PNG, as it was taken.

        Raises:
            NoSuchReportError, NoSuchScreenshotError: if there is none.
            ReportNotKeptError: if it was erased.
            The errors of `desk.releases.release`.
        """
        path, digest, is_sealed = self._screenshot(report, n)
        about = f"{report_id(report)}/screenshot-{n}"
        release(self.desk, to, about=about, digest=digest, sealed=is_sealed)
        with disk.file_errors(path, "read"):
            return path.read_bytes()

    def drawn_screenshot(self, report: int, n: int) -> Preview:
        """The same picture, drawn again to be shown: like the page's text that is not on record.

        Raises:
            SealedContentError: if the report is sealed, whoever asks.
            The errors of `screenshot`.
        """
        path, _, is_sealed = self._screenshot(report, n)
        if is_sealed:
            raise SealedContentError(about=report_id(report))
        with disk.file_errors(path, "read"):
            return preview.redraw_screenshot(path.read_bytes())

    def _screenshot(self, report: int, n: int) -> tuple[Path, str, bool]:
        """The file of the picture, its digest, and whether it is sealed."""
        with self.reading() as connection:
            found = reports.report(connection, report)
        digest = next((each["screenshot"] for each in found["snapshots"] if each["n"] == n), None)
        if digest is None:
            raise NoSuchScreenshotError(report=found["id"], n=n)
        path = evidence.kept(self.folder, digest)
        if path is None:
            raise ReportNotKeptError(report=found["id"])
        return path, digest, self._is_sealed(found, digest)

    def _taken_out(self, report: int, n: int, to: Recipient) -> bytes:
        found, digest = self._attachment(report, n)
        sealed = self._is_sealed(found.report, digest)
        release(self.desk, to, about=_about(report, n), digest=digest, sealed=sealed)
        content = preview.extract(found.first, digest)
        if content is None:
            raise ReportNotKeptError(report=report_id(report))
        return content

    def _attachment(self, report: int, n: int) -> tuple[SourceFile, str]:
        found = self._file(report)
        listed = found.report["attachments"]
        if not 1 <= n <= len(listed):
            raise NoSuchAttachmentError(report=report_id(report), n=n)
        return found, listed[n - 1]["digest"]

    def _is_sealed(self, report: ReportInFull, digest: str) -> bool:
        """Whether the report is sealed, or the same bytes are at an incident of such a category."""
        if report["sealed"]:
            return True
        with self.reading() as connection:
            return sealed_files.is_attached_sealed(connection, digest)

    def _file(self, report: int) -> SourceFile:
        with self.reading() as connection:
            found = reports.report(connection, report)
        path = evidence.kept(self.folder, found["kept"] or found["digest"])
        if path is None:
            raise ReportNotKeptError(report=found["id"])
        return SourceFile(path, found)


def _about(report: int, attachment: int) -> str:
    return f"{report_id(report)}/{attachment}"


def _pieces(path: Path) -> Iterator[bytes]:
    with disk.file_errors(path, "read"), path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece
