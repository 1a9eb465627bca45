"""Extended Abuse Reporting Format: version 4, and what senders write as version 3.

A report is read even if the schema of its version finds something wrong with it: senders have
written version 1 into reports of version 3 for years.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from incidents.inbox import category, seen_time, xarf_schemas
from incidents.inbox.findings import Findings
from incidents.inbox.readers.mail import from_text
from incidents.inbox.readers.rows import Rows
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source

MAX_REPORTS = 1_000
_MOST_WITHIN = 5
_OBJECT = re.compile(r"^[ \t]{0,8}\{", re.MULTILINE)
_WITH_PORT = re.compile(r"(?P<name>\[[0-9a-fA-F:]+\]|[^\s:/]+):(?P<port>\d{1,5})")
_URLS = (
    "sourceurl", "url", "sourceuri", "uri", "infringingurl", "submissionurl", "nzburl", "urls",
    "reportedurl",
)  # fmt: skip
_HOSTS = ("domain", "sourcedomain", "hostname", "host", "fqdn", "sourcehost")
_ADDRESSES = ("sourceip", "sourceidentifier", "source", "ip", "sourceaddress", "ipaddress")
_PORTS = ("sourceport", "port")
_TIMES = ("date", "timestamp", "sourcetimestamp", "eventtime", "firstseen", "lastseen")
_TYPES = ("reporttype", "type", "reportclass", "category")
_CONTACTS = (
    "reportercontactemail", "reporterorgemail", "contact", "email", "reporterorgdomain", "domain",
    "reporterorg", "org",
)  # fmt: skip


def read(source: Source) -> Reading | None:
    """Read an XARF report; None if the report has no XARF object."""
    found = _of(source.objects) or _within(source.text[0])
    if not found:
        return _old(source)
    findings = Findings()
    times: list[datetime] = []
    types: list[str] = []
    reporters: list[str] = []
    rows = Rows()
    for each in found[:MAX_REPORTS]:
        report, before, seen = _report(each), findings.sizes, len(times)
        _take(report, findings, times)
        code = _category(report)
        rows.take(findings, before, code, next(iter(times[seen:]), None))
        types += [code] if code else []
        reporters += [text for text in [_reporter(each)] if text]
    known: dict[str, Any] = {"invalid": tuple(xarf_schemas.problems(found[0]))}
    known |= {"seen_at": min(times)} if times else {}
    known |= {"category": types[0]} if types else {}
    known |= {"reporter": reporters[0]} if reporters else {}
    known |= {"more": True} if len(found) > MAX_REPORTS else {}
    return rows.of(from_text(source, findings, **known), known.get("category"))


def _of(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The XARF objects among these, or else directly within them (`{"reports": […]}`)."""
    inner = (
        each for object_ in objects[:MAX_REPORTS] for value in object_.values()
        for each in (value if isinstance(value, list) else [value])
    )  # fmt: skip
    return [each for each in objects if is_xarf(each)] or [
        each for each in inner if isinstance(each, dict) and is_xarf(each)
    ]


def _within(text: str) -> list[dict[str, Any]]:
    """The XARF objects within a text for people."""
    found: list[dict[str, Any]] = []
    decoder = json.JSONDecoder()
    for start in list(_OBJECT.finditer(text))[:_MOST_WITHIN] if "eport" in text else ():
        try:
            each, _ = decoder.raw_decode(text, start.end() - 1)
        except (ValueError, RecursionError):
            continue
        if is_xarf(each):
            found.append(each)
    return found


def is_xarf(found: Mapping[str, Any]) -> bool:
    """Whether a JSON object is an XARF report, of any version."""
    keys = _plain(found)
    has_report = isinstance(keys.get("report"), dict)
    return "xarfversion" in keys or (has_report and ("reporterinfo" in keys or "version" in keys))


def _plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by their names without what senders disagree about: case, and underscores."""
    return {
        str(name).lower().replace("_", "").replace("-", ""): value for name, value in found.items()
    }


def _report(found: Mapping[str, Any]) -> dict[str, Any]:
    plain = _plain(found)
    report = plain.get("report")
    return _plain(report) if isinstance(report, dict) else plain


def _texts(report: Mapping[str, Any], names: tuple[str, ...]) -> list[str]:
    found = []
    for name in names:
        value = report.get(name)
        values = value if isinstance(value, list) else [value]
        found += [str(each) for each in values[:MAX_REPORTS] if isinstance(each, str | int)]
    return [each for each in found if each.strip()]


def _take(report: Mapping[str, Any], findings: Findings, times: list[datetime]) -> None:
    seen = [time[0] for text in _texts(report, _TIMES) for time in [seen_time.read(text)] if time]
    times += seen[:1]
    for url in _texts(report, _URLS):
        findings.take_url(url)
    for host in _texts(report, _HOSTS):
        findings.take_host(host)
    port = next(iter(_texts(report, _PORTS)), None)
    for text in _texts(report, _ADDRESSES):
        found = _WITH_PORT.fullmatch(text.strip())
        name, own_port = (found["name"], found["port"]) if found else (text, port)
        if not findings.take_ip(name, own_port, seen_at=seen[0] if seen else None):
            findings.take_url(text) if "/" in text else findings.take_host(name)


def _category(report: Mapping[str, Any]) -> str | None:
    if str(report.get("category")).lower() == "copyright":
        return "copyright"
    for text in _texts(report, _TYPES):
        return category.of_type(text)
    return None


def _reporter(found: Mapping[str, Any]) -> str | None:
    plain = _plain(found)
    for name in ("reporter", "reporterinfo", "sender"):
        info = plain.get(name)
        if isinstance(info, dict):
            contacts = _texts(_plain(info), _CONTACTS)
            if contacts:
                return contacts[0].strip().lower() if "@" in contacts[0] else contacts[0].strip()
    return None


def _old(source: Source) -> Reading | None:
    """X-ARF 0.1 and 0.2: lines of names and values in a text part of a mail."""
    mail = source.mail
    if mail is None or not (mail.get("x-arf") or mail.get("x-xarf")):
        return None
    for part in mail.parts:
        lines = [line.partition(":") for line in part.text.split("\n")[:1_000]]
        fields = {
            name.strip().lower().replace("-", ""): value.strip().strip("\"'")
            for name, colon, value in lines
            if colon
        }
        if not ("reporttype" in fields and "source" in fields):
            continue
        findings = Findings()
        times: list[datetime] = []
        _take(fields, findings, times)
        known: dict[str, Any] = {"seen_at": times[0]} if times else {}
        reading = from_text(source, findings, **known)
        return replace(reading, category=category.of_type(fields["reporttype"]))
    return None
