"""The settings of the inbox: where reports come in, and what their readers need."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from incidents.errors import Cause
from incidents.settings.options import Options

SECTION, IMAP = "inbox", "imap"
TRIAGE_WITHIN = timedelta(hours=1)
_LEAST, _MOST = timedelta(minutes=1), timedelta(days=30)
_MAX_SCHEMA = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSettings:
    """The settings of the inbox.

    `triage_within`: the time that a report may wait for triage before the desk is alarmed; None for
    no alarm. `maildir`: a folder with mails (Maildir) that a daemon takes in; None without one.

    `shadowserver`: the schema of Shadowserver's reports, by the name of the report type.
    `receipts`, `outcomes`: whether reporters are told that a report came in, and how it ended.
    `answers_to`: `everybody`, or `trusted` reporters alone. `answers_per_hour`: the most mails to
    reporters in an hour. `authserv_id`: the name by which the mail server that checks senders
    calls itself (RFC 8601); None if none does. `languages`: those of the mails, if they are others
    than those of notices. `snapshots`: whether a daemon looks at the addresses that reports name.
    `screenshots`: whether there is a picture of each page that is looked at. `browser`: the program
    that draws it, None for the first that is found; `browser_sandbox`: whether that must have its
    sandbox.
    """

    triage_within: timedelta | None = TRIAGE_WITHIN
    maildir: Path | None = None
    shadowserver: Mapping[str, Any] | None = None
    receipts: bool = False
    outcomes: bool = False
    answers_to: str = "everybody"
    answers_per_hour: int = 100
    authserv_id: str | None = None
    languages: tuple[str, ...] = ()
    snapshots: bool = False
    screenshots: bool = True
    browser: Path | None = None
    browser_sandbox: bool = True

    @property
    def answers(self) -> bool:
        """Whether reporters are sent any mail."""
        return self.receipts or self.outcomes


def read(section: Mapping[str, Any]) -> InboxSettings:
    """Read the section [inbox] of the settings file.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
    """
    is_off = section.get("triage_within") == ""
    given = {
        name: value for name, value in section.items() if not (is_off and name == "triage_within")
    }
    options = Options(f"[{SECTION}]", given)
    within = options.duration("triage_within", TRIAGE_WITHIN, least=_LEAST, most=_MOST)
    maildir = options.path("maildir")
    schema = _schema(options, "shadowserver_schema")
    # See `settings.imap`: it has a secret, which not everybody who receives a report can read.
    options.table(IMAP)
    receipts, outcomes = options.flag("receipts"), options.flag("outcomes")
    answers_to = options.choice("answers_to", ("everybody", "trusted"), "everybody")
    per_hour = options.number("answers_per_hour", 100, least=1, most=100_000)
    authserv_id, languages = options.text("authserv_id"), options.texts("languages")
    snapshots = options.flag("snapshots")
    screenshots, browser = options.flag("screenshots", default=True), options.path("browser")
    sandbox = options.flag("browser_sandbox", default=True)
    options.finish()
    if maildir is not None and not (maildir / "new").is_dir():
        raise options.wrong(
            "maildir", Cause.of("must_maildir", "a Maildir: a folder with new, cur and tmp in it")
        )
    return InboxSettings(
        triage_within=None if is_off else within,
        maildir=maildir, shadowserver=schema, receipts=receipts, outcomes=outcomes,
        answers_to=answers_to, answers_per_hour=per_hour, languages=languages,
        snapshots=snapshots, screenshots=screenshots,
        browser=browser, browser_sandbox=sandbox,
        authserv_id=None if authserv_id is None else authserv_id.strip().lower(),
    )  # fmt: skip


def _schema(options: Options, key: str) -> Mapping[str, Any] | None:
    file = options.path(key)
    if file is None:
        return None
    try:
        found = _read(file)
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise options.wrong(
            key, Cause.of("must_schema", "a file with a JSON object, one key for each report type")
        )
    return found


_State = tuple[int, int, int, int]
_last: dict[Path, tuple[_State, Any]] = {}
"""The file that was read last, as long as it stays as it was: duties ask every few seconds."""


def _read(file: Path) -> Any:
    with file.open("rb") as source:
        now = os.fstat(source.fileno())
        state = now.st_dev, now.st_ino, now.st_size, now.st_mtime_ns
        known = _last.get(file)
        if known is not None and known[0] == state:
            return known[1]
        found = json.loads(source.read(_MAX_SCHEMA))
    _last.clear()
    _last[file] = state, found
    return found
