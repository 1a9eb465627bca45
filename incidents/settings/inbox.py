"""The settings of the inbox: where reports come in, and what their readers need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incidents.errors import Cause
from incidents.settings.options import Options

SECTION, IMAP = "inbox", "imap"
_MAX_SCHEMA = 16 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxSettings:
    """`maildir`: a folder with mails (Maildir) that a daemon takes in; None without one.

    `shadowserver`: the schema of Shadowserver's reports, by the name of the report type.
    """

    maildir: Path | None = None
    shadowserver: Mapping[str, Any] | None = None


def read(section: Mapping[str, Any]) -> InboxSettings:
    """Read the section [inbox] of the settings file.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
    """
    options = Options(f"[{SECTION}]", section)
    maildir = options.path("maildir")
    schema = _schema(options, "shadowserver_schema")
    # See `settings.imap`: it has a secret, which not everybody who receives a report can read.
    options.table(IMAP)
    options.finish()
    if maildir is not None and not (maildir / "new").is_dir():
        raise options.wrong(
            "maildir", Cause.of("must_maildir", "a Maildir: a folder with new, cur and tmp in it")
        )
    return InboxSettings(maildir=maildir, shadowserver=schema)


def _schema(options: Options, key: str) -> Mapping[str, Any] | None:
    file = options.path(key)
    if file is None:
        return None
    try:
        with file.open("rb") as source:
            found = json.loads(source.read(_MAX_SCHEMA))
    except (OSError, ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise options.wrong(
            key, Cause.of("must_schema", "a file with a JSON object, one key for each report type")
        )
    return found
