"""Shadowserver: a table (CSV) for each of its report types, by its schema or by its usual columns.

The schema is the file that Shadowserver publishes for its reports (in the form that IntelMQ reads);
the setting `shadowserver_schema` names it. Columns that it does not know are kept in the raw
report. All times are in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from incidents.inbox import category
from incidents.inbox.readers.csv import of_table
from incidents.inbox.readers.table_findings import TableFindings
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source
from incidents.inbox.table_file import TableFile

SCHEMA = "shadowserver_schema"
"""The name of the option with the schema: an object by the name of the report type."""

_FILE = re.compile(
    r"(?:\d{4}-\d{2}-\d{2}-)?(?P<type>[a-z][a-z0-9_]{2,60}?)(?:-[\w.-]*)?(?:\.csv)?$"
)
_USUAL = ({"timestamp", "ip"}, {"timestamp", "src_ip"})
_THEIRS = {
    "asn", "geo", "region", "city", "naics", "sector", "protocol", "tag", "severity", "sic",
    "hostname_source", "infection", "src_asn", "src_geo", "dst_ip", "dst_port",
}  # fmt: skip
_FIELDS = {
    "source.ip": "ip", "source.port": "port", "source.fqdn": "host", "source.url": "url",
    "source.reverse_dns": "host", "time.source": "time", "classification.identifier": "category",
}  # fmt: skip
"""What the schema calls a column, and what it is here."""


def read(source: Source) -> Reading | None:
    """Read a report of Shadowserver; None for another one."""
    tables = [table for table in source.tables if _is_theirs(source, table)]
    if not tables:
        return None
    schema = _schema(source, tables[0])
    found = TableFindings(columns=_columns(schema))
    found.take(tables)
    found.names_zone = True
    kind = report_type(tables[0].name) or report_type(source.name)
    known: dict[str, Any] = {}
    code = _category(kind, schema) or found.category
    if code:
        known["category"] = code
    if source.mail is None:
        known["reporter"] = "shadowserver.org"
    return of_table(source, found, **known)


def report_type(name: str) -> str:
    """The type of the report by the name of its file, such as `scan_http`; empty without one."""
    match = _FILE.match(name.lower())
    return match["type"] if match else ""


def _is_theirs(source: Source, table: TableFile) -> bool:
    if _schema(source, table) is not None:
        return True
    columns = set(table.columns)
    is_usual = any(each <= columns for each in _USUAL)
    return is_usual and (source.is_from("shadowserver.org") or len(columns & _THEIRS) >= 2)


def _schema(source: Source, table: TableFile) -> Mapping[str, Any] | None:
    """The part of the schema for the table's type; None without one."""
    known = source.options.get(SCHEMA) or {}
    kind = report_type(table.name) or report_type(source.name)
    for name, each in known.items():
        if isinstance(each, dict) and kind and kind in (name, each.get("file_name")):
            return each
    return None


def _columns(schema: Mapping[str, Any] | None) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for part in ("required_fields", "optional_fields"):
        for entry in (schema or {}).get(part, []):
            if isinstance(entry, list) and len(entry) > 1 and entry[0] in _FIELDS:
                kind = _FIELDS[entry[0]]
                found[kind] = (*found.get(kind, ()), str(entry[1]).lower())
    return found


def _category(kind: str, schema: Mapping[str, Any] | None) -> str | None:
    stated = (schema or {}).get("constant_fields", {})
    for name in ("classification.type", "classification.taxonomy"):
        code = category.of_words(str(stated.get(name, "")))
        if code:
            return code
    if kind.startswith(("scan_", "scan6_", "population_")):
        return "vulnerability"
    words = kind.replace("_", " ")
    if "sinkhole" in words or "drone" in words:
        return "botnet"
    return category.of_words(words) if kind else None
