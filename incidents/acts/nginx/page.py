"""The pages: what visitors of a suspended or closed site see, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Literal

Page = Literal["suspended", "closed"]

MARK = "<!-- reopening -->"
"""Where a page says when the site is expected back, if that is known."""

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

_OWN: Mapping[Page, str] = {
    "suspended": _PAGE.format(
        zh="本网站已暂停访问", zh_done="暂停", en="This site is suspended", en_done="suspended",
        mark=MARK,
    ),
    "closed": _PAGE.format(
        zh="本网站已关闭", zh_done="关闭", en="This site is closed", en_done="closed", mark="",
    ),
}  # fmt: skip


def page(kind: Page, file: Path | None = None) -> str:
    """The page as HTML: of the operator's file, if there is one.

    Raises:
        OSError: if the file cannot be read.
        ValueError: if it is not UTF-8, holds U+0000, or has more than 64 KiB.
    """
    if file is None:
        return _OWN[kind]
    with file.open("rb") as stream:
        found = stream.read(MAX_PAGE_BYTES + 1)
    if len(found) > MAX_PAGE_BYTES or b"\0" in found:
        raise ValueError(f"not a page of at most {MAX_PAGE_BYTES} bytes: {file}")
    return found.decode("utf-8-sig")


def reopening(until: datetime, zone: tzinfo) -> str:
    """The moment for people, to the minute and never too early: `2026-03-02 07:00 (UTC+08:00)`."""
    local = until.astimezone(zone)
    if local.second or local.microsecond:
        whole = until.replace(second=0, microsecond=0) + timedelta(minutes=1)
        local = whole.astimezone(zone)
    sign, offset = "+", local.utcoffset() or timedelta()
    if offset < timedelta():
        sign, offset = "-", -offset
    hours, minutes = divmod(offset // timedelta(minutes=1), 60)
    return f"{local:%Y-%m-%d %H:%M} (UTC{sign}{hours:02}:{minutes:02})"


def sentence(moment: str) -> str:
    """What takes the place of the mark, of a moment that `reopening` has told."""
    return f"<p>预计恢复时间 · Expected back: <time>{moment}</time></p>"
