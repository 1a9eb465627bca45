"""The folder that nginx includes: its files, written under a lock, and the pages for visitors."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal

from incidents.errors import Cause
from incidents.system import disk

_PAUSE_S = 0.01
_HEAD_BYTES = 300


@dataclass(frozen=True, slots=True)
class Folder:
    """The folder of one nginx; any number of processes write to it, in turn."""

    path: Path

    @contextmanager
    def locked(self, deadline: float) -> Iterator[None]:
        """Hold the lock, against threads and processes, inside the `with` block.

        Raises:
            TimeoutError: if others hold the lock until that monotonic time.
            OSError: if the folder cannot be written to.
        """
        handle = disk.open_own(self.path / "incidents.lock", make=True, mode=0o660)
        try:
            if os.fstat(handle).st_uid == os.geteuid():
                # The folder may belong to a group: any member must be able to take the lock.
                os.fchmod(handle, 0o660)
            while not _lock(handle):
                if time.monotonic() > deadline:
                    raise TimeoutError("another process is writing")
                time.sleep(_PAUSE_S)
            yield
        finally:
            os.close(handle)

    def missing(self) -> str | None:
        """A sentence that says why the folder cannot be written to; None if it can."""
        if not self.path.is_dir():
            return Cause.of("no_folder", "there is no folder {folder}", folder=self.path)
        if os.access(self.path, os.W_OK | os.X_OK):
            return None
        return Cause.of("not_writable", "{folder} is not writable", folder=self.path)

    def http(self) -> str | None:
        """The text of the file for the http block; None if there is no file.

        Raises:
            OSError, ValueError: if it cannot be read.
        """
        return _text(self._http)

    def http_head(self) -> str:
        """The first lines of the file for the http block; empty if it is missing or unreadable."""
        try:
            with self._http.open("rb") as stream:
                return stream.read(_HEAD_BYTES).decode("ascii", "replace")
        except OSError:
            return ""

    def write(self, http: str, site: str) -> None:
        """Write both files, each whole or not at all, unless they are unchanged.

        The file for the http block comes first, because the other file uses variables from it.

        Raises:
            OSError: if the disk fails.
        """
        for file, text in ((self._http, http), (self._site, site)):
            if _text(file) != text:
                disk.write_whole(file, [text.encode()], disk.PUBLIC)

    def restore(self, http: str | None) -> None:
        """Restore the previous file for the http block. Raises the same errors as `write`."""
        if http is not None:
            disk.write_whole(self._http, [http.encode()], disk.PUBLIC)
            return
        # The file for servers goes first: it uses the other's variables.
        for file in (self._site, self._http):
            file.unlink(missing_ok=True)
        disk.fsync_path(self.path)

    @property
    def _http(self) -> Path:
        return self.path / "incidents.conf"

    @property
    def _site(self) -> Path:
        return self.path / "site.conf"


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None


Page = Literal["suspended", "closed"]

MARK = "<!-- reopening -->"
"""The placeholder in a page for the expected reopening time, if this is known."""

MAX_PAGE_BYTES = 65_536

_PAGE = """\
<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{zh} · {en}</title>
<style>
body {{ margin: 0 auto; max-width: 36rem; padding: 12vh 1.5rem; }}
body {{ font: 1rem/1.7 system-ui, sans-serif; }}
h1 {{ font-size: 1.5rem; margin: 2.5rem 0 .5rem; }}
</style>
</head>
<body>
<h1>{zh}</h1>
<p>服务提供商已按其公布的规则{zh_done}本网站。如果您是本网站的负责人，请联系您的服务提供商。</p>
<div lang="en">
<h1>{en}</h1>
<p>Its hosting provider has {en_done} it under its published rules. If you are responsible for this
site, please contact your provider.</p>
</div>
{mark}
</body>
</html>
"""

_DEFAULT_PAGES: Mapping[Page, str] = {
    "suspended": _PAGE.format(
        zh="本网站已暂停访问", zh_done="暂停", en="This site is suspended", en_done="suspended",
        mark=MARK,
    ),
    "closed": _PAGE.format(
        zh="本网站已关闭", zh_done="关闭", en="This site is closed", en_done="closed", mark="",
    ),
}  # fmt: skip


def page(kind: Page, file: Path | None = None) -> str:
    """The page as HTML, from the operator's own file if the settings name one.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8, holds U+0000, or has more than 64 KiB.
    """
    if file is None:
        return _DEFAULT_PAGES[kind]
    with file.open("rb") as stream:
        found = stream.read(MAX_PAGE_BYTES + 1)
    if len(found) > MAX_PAGE_BYTES or b"\0" in found:
        raise ValueError(f"not a page of at most {MAX_PAGE_BYTES} bytes: {file}")
    return found.decode("utf-8-sig")


def shown_time(until: datetime, zone: tzinfo) -> str:
    """The time for display, rounded up to the minute: `2026-03-02 07:00 (UTC+08:00)`."""
    local = until.astimezone(zone)
    if local.second or local.microsecond:
        rounded = until.replace(second=0, microsecond=0) + timedelta(minutes=1)
        local = rounded.astimezone(zone)
    sign, offset = "+", local.utcoffset() or timedelta()
    if offset < timedelta():
        sign, offset = "-", -offset
    hours, minutes = divmod(offset // timedelta(minutes=1), 60)
    return f"{local:%Y-%m-%d %H:%M} (UTC{sign}{hours:02}:{minutes:02})"


def reopening_sentence(moment: str) -> str:
    """The text that replaces the placeholder in a page; `moment` comes from `shown_time`."""
    return f"<p>预计恢复时间 · Expected back: <time>{moment}</time></p>"
