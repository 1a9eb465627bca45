"""The findings in a table: the columns with known names, in tables from any sender."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from incidents.inbox import category, seen_time
from incidents.inbox.findings import Findings
from incidents.inbox.readers.rows import Rows
from incidents.inbox.table_file import TableFile

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "url": (
        "url", "uri", "source_url", "source.url", "http_url", "malicious_url", "网址", "违规网址",
        "违法网址", "网站地址", "网页地址", "链接", "违规链接", "链接地址", "url地址",
        # It may be a host or an IP address, too.
        "indicator", "ioc",
    ),
    "host": (
        # The name of a web server is that of its site; `hostname` may be that of the machine.
        "http_host", "hostname", "host", "domain", "fqdn", "site", "source.fqdn", "domain_name",
        "域名", "网站域名", "违规域名", "主机名", "网站",
    ),
    "ip": (
        "ip", "src_ip", "source_ip", "ip_address", "ipaddress", "srcip", "source.ip", "address",
        "host_ip", "ip地址", "服务器ip", "服务器ip地址", "服务器地址", "源ip", "主机ip", "网站ip",
        # That of who was attacked, in a table that has both.
        "dst_ip",
    ),
    "port": ("port", "src_port", "source_port", "source.port", "端口"),
    "time": (
        "timestamp", "time", "occurred_at", "dateadded", "date_added", "first_seen", "firstseen",
        "first_seen_utc", "date", "detected_at", "seen_at", "time.source", "发现时间", "时间",
        "监测时间", "检测时间", "发现日期", "日期",
    ),
    "category": (
        "category", "abuse_type", "threat", "threat_type", "type", "infection", "类别", "违规类型",
        "违规类别", "违法类型", "事件类型", "类型",
    ),
    "reporter": ("reporter", "reported_by", "source_reporter", "举报人"),
}  # fmt: skip
"""For each kind of value the columns that have it, the surest first."""


_OF_OTHERS = re.compile(
    r"orig|legit|official|screenshot|image|ref|detail|brand|evidence|link|截图|官方|正版|原"
)
"""A part of the names of columns whose addresses are not of the violation."""


@dataclass
class TableFindings:
    """What the rows of tables say; `columns`: those of a schema, before the usual ones."""

    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    first_at: datetime | None = None
    category: str | None = None
    reporter: str | None = None
    names_zone: bool = True
    more: bool = False
    rows: Rows = field(default_factory=Rows)

    def take_rows(self, rows: Iterable[Mapping[str, str]]) -> None:
        """Take what those rows say."""
        for row in rows:
            self._take(row)

    def take(self, tables: Iterable[TableFile]) -> None:
        """Take what the rows say."""
        for table in tables:
            self.more = self.more or table.more
            for row in table.rows:
                self._take(row)

    def of_row(self, row: Mapping[str, str], kind: str) -> str:
        """The value of that kind in the row; empty if it has none."""
        names = (*self.columns.get(kind, ()), *COLUMNS[kind])
        return next((row[name] for name in names if row.get(name)), "")

    def _time_of(self, row: Mapping[str, str]) -> tuple[datetime, bool] | None:
        """The time of the row; a column with a Chinese name has times of China."""
        names = (*self.columns.get("time", ()), *COLUMNS["time"])
        name = next((name for name in names if row.get(name)), None)
        if name is None:
            return None
        return seen_time.read(row[name], UTC if name.isascii() else seen_time.CHINA)

    def _take(self, row: Mapping[str, str]) -> None:
        time = self._time_of(row)
        if time is not None:
            self.names_zone = self.names_zone and time[1]
            if self.first_at is None or time[0] < self.first_at:
                self.first_at = time[0]
        url, host = self.of_row(row, "url"), self.of_row(row, "host")
        if url.startswith("/") and host:
            url = f"http://{host}{url}"
        before = self.findings.sizes
        if url:
            self.findings.take_url(url)
        if host:
            self.findings.take_host(host)
        if not (url or host):
            # An address is one, whatever its column is called.
            for name, value in row.items():
                if value[:4].lower() in ("http", "hxxp") and not _OF_OTHERS.search(name):
                    self.findings.take_url(value)
        address = self.of_row(row, "ip")
        seen_at = time[0] if time else None
        if address:
            self.findings.take_ip(address, self.of_row(row, "port") or None, seen_at=seen_at)
        code = category.of_type(self.of_row(row, "category"))
        self.rows.take(self.findings, before, code, seen_at)
        self.category = self.category or code
        self.reporter = self.reporter or self.of_row(row, "reporter") or None
