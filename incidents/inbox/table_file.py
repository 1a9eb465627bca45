"""A table in a file (CSV), whatever separates its cells, if its header has a name that is known."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

MAX_ROWS = 10_000
MAX_HEADER = 16_384
MAX_CELL = 65_536
"""The maximum numbers of rows, and of characters of a header and of a cell."""

_BEFORE_HEADER = 20
"""The maximum number of lines before a header, such as a title."""
_MOST_OF_NAME = 40

_TABLE_COLUMNS = {
    "ip", "src_ip", "source_ip", "ip_address", "url", "uri", "host", "hostname", "domain", "fqdn",
    "site", "timestamp", "time", "date", "dateadded", "occurred_at", "first_seen", "source.ip",
    "first_seen_utc", "dst_ip", "source_url", "malicious_url", "ipaddress", "srcip", "host_ip",
    "indicator", "ioc", "http_host",
    "网址", "违规网址", "违法网址", "网站地址", "网页地址", "链接", "违规链接", "链接地址",
    "url地址", "域名", "网站域名", "违规域名", "ip地址", "服务器ip", "服务器ip地址",
    "源ip", "主机ip", "网站ip", "发现时间", "监测时间", "检测时间",
}  # fmt: skip


_USUAL = {"ip": "ip地址", "ip地址": "ip地址", "网址": "网址", "链接": "链接", "url": "url",
          "域名": "域名", "时间": "发现时间", "網址": "网址", "連結": "链接", "ip位址": "ip地址",
          "網域": "域名", "時間": "发现时间"}  # fmt: skip
"""How a Chinese name of a column ends, and the name that is known for such a column."""
_ENGLISH = re.compile(
    r"(?:phish(?:ing)?|infring(?:ing|ement)|malicious|malware|reported|host(?:ing)?|server|abus(?:e|ive)"
    r"|suspicious|fraud(?:ulent)?|infected|affected|attacker|offending|scam|web|page|full)_"
    r"(?P<usual>url|ip|domain|host)(?:_address|_name|name)?"
)
_OTHER = re.compile("目[的标]|受害|处置|整改|截止|反馈|备案|注册|到期|官方|正版|原")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file with a table: its name, and the rows below its header, by the header's names."""

    name: str
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    more: bool


def read(name: str, text: str, *, titled: bool = False) -> TableFile | None:
    """Read the table of a file; None if the text has no header that is known.

    `titled`: there may be other lines above the header, such as a title.
    """
    lines = iter(text.split("\n"))
    header, passed = "", 0
    columns: tuple[str, ...] = ()
    for line in lines:
        # A feed begins with comments; the last one may be its header.
        header = line.strip("# \r\ufeff") if line.startswith(("#", "\ufeff")) else line
        columns = _columns(header, surely=passed > 0)
        if line.startswith("#") or not line.strip():
            if columns:
                break
            continue
        passed += 1
        if columns or not titled or passed > _BEFORE_HEADER:
            break
    if not columns:
        return None
    delimiter = _delimiter(header)
    csv.field_size_limit(MAX_CELL)
    rows: list[dict[str, str]] = []
    try:
        for cells in csv.reader((line for line in lines if not line.startswith("#")),
                                delimiter=delimiter, skipinitialspace=True):  # fmt: skip
            if len(rows) == MAX_ROWS:
                return TableFile(name, columns, rows, True)
            if any(cell.strip() for cell in cells):
                rows.append(
                    {column: cell.strip() for column, cell in zip(columns, cells, strict=False)}
                )
    except csv.Error:
        return TableFile(name, columns, rows, True)
    return TableFile(name, columns, rows, False)


def _columns(header: str, *, surely: bool = False) -> tuple[str, ...]:
    """The names of the columns, in lower case; empty if the line is no header that is known.

    `surely`: it is below other lines, and has two names that are known, and no long one.
    """
    if len(header) > MAX_HEADER:
        return ()
    delimiter = _delimiter(header)
    try:
        [cells] = csv.reader([header], delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):
        return ()
    names = tuple(_name(cell) for cell in cells)
    if len(names) > 1:
        names = tuple(_usual(name, names) for name in names)
    known = len(_TABLE_COLUMNS.intersection(names))
    if surely and (known < 2 or max(map(len, names)) > _MOST_OF_NAME):
        return ()
    is_header = len(names) > 1 and known > 0
    return names if is_header and all(len(name) < 100 for name in names) else ()


def _name(cell: str) -> str:
    name = cell.strip().lower().removesuffix("(utc)").removesuffix("[utc]").strip()
    return name.replace(" ", "_" if name.isascii() else "")


def _usual(name: str, names: Sequence[str]) -> str:
    """The usual one for a name that says more (`所属IP`), unless there is such a column."""
    if name in _TABLE_COLUMNS:
        return name
    if name.isascii():
        english = _ENGLISH.fullmatch(name)
        found = [english["usual"]] if english else []
    else:
        is_other = _OTHER.search(name)
        found = [] if is_other else [each for end, each in _USUAL.items() if name.endswith(end)]
    return next((each for each in found if each not in names), name)


def _delimiter(header: str) -> str:
    return max((",", ";", "\t"), key=header.count)
