"""The configuration: the map as two files that nginx includes, one in http and one in servers."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime

from incidents.enforcement.nginx import folder
from incidents.enforcement.nginx import map as maps
from incidents.enforcement.nginx.folder import Page
from incidents.enforcement.nginx.map import Map, Standing
from incidents.enforcement.nginx.map import key as host_key

# A word of nginx's configuration has less than 4,096 bytes, and a character up to four.
_CHUNK_CHARACTERS = 1_000
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\r": r"\r", "\n": r"\n"})
_GENERATION = re.compile(r"^# generation ([0-9a-f]{16})$", re.MULTILINE)
_HEADER = "# Written by incidents. What is changed here by hand is lost with the next order.\n"
_NEVER = datetime.max.replace(tzinfo=UTC)

SITE = (
    _HEADER
    + """\
if ($incidents_state) {
    rewrite ^ /.incidents/$incidents_state? last;
}
location = /.incidents/suspended {
    internal;
    default_type text/html;
    charset utf-8;
    add_header Retry-After $incidents_retry_after always;
    add_header Cache-Control no-store always;
    return 503 $incidents_page_suspended;
}
location = /.incidents/closed {
    internal;
    default_type text/html;
    charset utf-8;
    add_header Cache-Control no-store always;
    return 410 $incidents_page_closed;
}
"""
)
"""What the block of each server includes.

`return` with a text ends a request by itself: neither an error_page nor a password of the site's
own is asked, and nobody is sent anywhere. A cache keeps neither answer.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What the file is made with beside the map: the settings.

    `hosts` gives the hosts of a site, `zone` is the one in which visitors read times, and `probe`
    the address, `127.0.0.1:8951` say, at which nginx tells what it has loaded, if it is to.
    """

    hosts: Callable[[str], Iterable[str]]
    pages: Mapping[Page, str]
    zone: tzinfo
    probe: str | None = None


def http(known: Map, shape: Shape) -> str:
    """What the http block includes: the map's own lines, and what nginx makes of them."""
    body = "".join((
        *(f"{line}\n" for line in maps.lines(known)),
        *_maps(known, shape),
        *_pages(shape.pages),
        _probe(shape.probe),
    ))  # fmt: skip
    # Of this very content: whoever is told the generation knows what nginx has loaded.
    generation = hashlib.sha256(body.encode()).hexdigest()[:16]
    told = _block("map $host $incidents_generation", [f'default "{generation}";'])
    return f"{_HEADER}# generation {generation}\n{body}{told}"


def generation(text: str) -> str | None:
    """The generation of a file that `http` has made."""
    found = _GENERATION.search(text)
    return found[1] if found else None


def http_date(moment: datetime) -> str:
    """As in `Retry-After` (RFC 9110, 10.2.3): UTC, to the second, and never too early."""
    whole = moment.astimezone(UTC)
    if whole.microsecond:
        whole = whole.replace(microsecond=0) + timedelta(seconds=1)
    return format_datetime(whole, usegmt=True)


def _maps(known: Map, shape: Shape) -> Iterator[str]:
    states, retries, reopens = ['default "";'], ['default "";'], ['default "";']
    for host, one in sorted(_in_force(known, shape.hosts).items()):
        key = host_key(host)
        states.append(f"{key} {one.state};")
        if one.until is not None:
            retries.append(f'{key} "{http_date(one.until)}";')
            reopens.append(f'{key} "{folder.reopening(one.until, shape.zone)}";')
    yield _block("map $host $incidents_state", states)
    yield _block("map $host $incidents_retry_after", retries)
    yield _block("map $host $incidents_reopens", reopens)
    sentence = _quoted(folder.sentence("$incidents_reopens"))
    yield _block("map $incidents_reopens $incidents_reopening", ['"" "";', f"default {sentence};"])


def _in_force(known: Map, hosts: Callable[[str], Iterable[str]]) -> dict[str, Standing]:
    """How each host stands that is down; one that belongs to two sites, by the stricter one."""
    found: dict[str, Standing] = {}
    for _, one in sorted(known.items()):
        if one.state == "active":
            continue
        for host in hosts(one.site):
            if host not in found or _strictness(found[host]) < _strictness(one):
                found[host] = one
    return found


def _strictness(one: Standing) -> tuple[bool, datetime]:
    return one.state == "closed", one.until or _NEVER


def _pages(pages: Mapping[Page, str]) -> Iterator[str]:
    for kind, text in pages.items():
        words = []
        for n, chunk in enumerate(_chunks(text)):
            if chunk == folder.MARK:
                words.append("$incidents_reopening")
                continue
            words.append(f"$incidents_text_{kind}_{n}")
            # Of all that gives a variable a value, geo alone does not look for others inside it.
            yield _block(f"geo {words[-1]}", [f"default {_quoted(chunk)};"])
        yield _block(f"map $host $incidents_page_{kind}", [f'default "{"".join(words)}";'])


def _chunks(text: str) -> Iterator[str]:
    for n, part in enumerate(text.split(folder.MARK)):
        if n:
            yield folder.MARK
        for start in range(0, len(part), _CHUNK_CHARACTERS):
            yield part[start : start + _CHUNK_CHARACTERS]


def _probe(address: str | None) -> str:
    if address is None:
        return ""
    return f"""\
server {{
    listen {address};
    access_log off;
    location / {{
        default_type text/plain;
        return 200 "$incidents_generation $incidents_state";
    }}
}}
"""


def _block(head: str, lines: Iterable[str]) -> str:
    return "\n".join((f"{head} {{", *(f"    {line}" for line in lines), "}\n"))


def _quoted(text: str) -> str:
    """A word in quotes, on one line."""
    return f'"{text.translate(_ESCAPES)}"'
