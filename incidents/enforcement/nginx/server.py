"""The nginx server: the contents of the files that it includes, and the commands to load them."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import format_datetime
from typing import cast, get_args

from incidents.enforcement import process
from incidents.enforcement.nginx import folder
from incidents.enforcement.nginx import map as maps
from incidents.enforcement.port import Retry, State

# A word in nginx's configuration has at most 4,095 bytes, a character up to four.
_CHUNK_CHARACTERS = 1_000
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\r": r"\r", "\n": r"\n"})
_GENERATION = re.compile(r"^# generation ([0-9a-f]{16})$", re.MULTILINE)
_HEADER = "# Written by incidents. What is changed here by hand is lost with the next order.\n"
_NEVER = datetime.max.replace(tzinfo=UTC)

SITE_FILE = (
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
"""The file for each server block.

`return` with a text ends the request, so the site's own error_page and password do not apply, and
nobody is redirected. Neither of the two answers is cached.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The settings that determine the file for the http block.

    `hosts`: a function that gives the hosts of a site. `zone`: the time zone for visitors. `probe`:
    the address at which nginx reports its loaded state, such as `127.0.0.1:8951`, if any.
    """

    hosts: Callable[[str], Iterable[str]]
    pages: Mapping[folder.Page, str]
    zone: tzinfo
    probe: str | None = None


def http_file(known: maps.Map, layout: Layout) -> str:
    """The file for the http block: the map's lines, and the nginx directives made from them."""
    body = "".join((
        *(f"{line}\n" for line in maps.lines(known)),
        *_map_blocks(known, layout),
        *_page_blocks(layout.pages),
        _probe_block(layout.probe),
    ))  # fmt: skip
    # The hash of the content identifies what nginx has loaded.
    generation = hashlib.sha256(body.encode()).hexdigest()[:16]
    generation_map = _block("map $host $incidents_generation", [f'default "{generation}";'])
    return f"{_HEADER}# generation {generation}\n{body}{generation_map}"


def generation(text: str) -> str | None:
    """The generation of a file: the ID of its content, which nginx reports once loaded."""
    found = _GENERATION.search(text)
    return found[1] if found else None


def http_date(moment: datetime) -> str:
    """The time for `Retry-After` (RFC 9110, 10.2.3): UTC, rounded up to the second."""
    rounded = moment.astimezone(UTC)
    if rounded.microsecond:
        rounded = rounded.replace(microsecond=0) + timedelta(seconds=1)
    return format_datetime(rounded, usegmt=True)


def _map_blocks(known: maps.Map, layout: Layout) -> Iterator[str]:
    states, retries, reopens = ['default "";'], ['default "";'], ['default "";']
    for host, one in sorted(_in_force(known, layout.hosts).items()):
        key = maps.map_key(host)
        states.append(f"{key} {one.state};")
        if one.until is not None:
            retries.append(f'{key} "{http_date(one.until)}";')
            reopens.append(f'{key} "{folder.shown_time(one.until, layout.zone)}";')
    yield _block("map $host $incidents_state", states)
    yield _block("map $host $incidents_retry_after", retries)
    yield _block("map $host $incidents_reopens", reopens)
    sentence = _quoted(folder.reopening_sentence("$incidents_reopens"))
    yield _block("map $incidents_reopens $incidents_reopening", ['"" "";', f"default {sentence};"])


def _in_force(known: maps.Map, hosts: Callable[[str], Iterable[str]]) -> dict[str, maps.SiteState]:
    """The state of each host that is down; if two sites share a host, the stricter state."""
    found: dict[str, maps.SiteState] = {}
    for _, one in sorted(known.items()):
        if one.state == "active":
            continue
        for host in hosts(one.site):
            if host not in found or _strictness(found[host]) < _strictness(one):
                found[host] = one
    return found


def _strictness(one: maps.SiteState) -> tuple[bool, datetime]:
    return one.state == "closed", one.until or _NEVER


def _page_blocks(pages: Mapping[folder.Page, str]) -> Iterator[str]:
    for kind, text in pages.items():
        words = []
        for n, chunk in enumerate(_chunks(text)):
            if chunk == folder.MARK:
                words.append("$incidents_reopening")
                continue
            words.append(f"$incidents_text_{kind}_{n}")
            # Only geo sets a variable without expanding variables in the value.
            yield _block(f"geo {words[-1]}", [f"default {_quoted(chunk)};"])
        yield _block(f"map $host $incidents_page_{kind}", [f'default "{"".join(words)}";'])


def _chunks(text: str) -> Iterator[str]:
    for n, part in enumerate(text.split(folder.MARK)):
        if n:
            yield folder.MARK
        for start in range(0, len(part), _CHUNK_CHARACTERS):
            yield part[start : start + _CHUNK_CHARACTERS]


def _probe_block(address: str | None) -> str:
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
    """The text as a quoted word, on one line."""
    return f'"{text.translate(_ESCAPES)}"'


# After a reload old workers answer for another tenth of a second (ngx_reconfigure), or longer on a
# busy machine. So no old answer may come for this time and for this number of answers.
_SETTLED_S = 0.25
_SETTLED_ANSWERS = 12
_PAUSE_S = 0.02
_FAULT = re.compile(r"\[(?:emerg|alert|crit|error)\].*")
_PROBE_TIMEOUT_S = 1.0
_MAX_ANSWER_BYTES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeAnswer:
    """The probe's answer: the loaded generation, and the state of the requested host."""

    generation: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One nginx: its commands, and the address of its probe, if any.

    Deadlines are times of the monotonic clock.
    """

    test_command: tuple[str, ...]
    reload_command: tuple[str, ...]
    probe: str | None

    def missing(self) -> str | None:
        """A sentence about a command that is missing or cannot be run; None if both can be run."""
        return process.missing(self.test_command) or process.missing(self.reload_command)

    def test(self, deadline: float) -> Retry | None:
        """Test the files; return None if they are valid."""
        return _run(self.test_command, "test", deadline)

    def reload(self, deadline: float) -> Retry | None:
        """Request a reload, which nginx finishes later; return None if the request succeeds."""
        return _run(self.reload_command, "reload", deadline)

    def probe_host(self, host: str, deadline: float) -> ProbeAnswer | None:
        """Ask the probe about a host; None if there is no probe, or no answer in time."""
        from http.client import HTTPConnection, HTTPException

        left = min(_PROBE_TIMEOUT_S, deadline - time.monotonic())
        if self.probe is None or left <= 0:
            return None
        connection = HTTPConnection(self.probe, timeout=left)
        try:
            connection.request("GET", "/", headers={"Host": host, "Connection": "close"})
            answer = connection.getresponse()
            return _read_answer(answer.status, answer.read(_MAX_ANSWER_BYTES))
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()

    def wait_for(self, is_wanted: Callable[[str], bool], deadline: float) -> Retry | None:
        """Wait until all of nginx's answers have a wanted generation; then return None."""
        if self.probe is None:
            return None
        since, wanted = 0.0, 0
        while (now := time.monotonic()) < deadline:
            answer = self.probe_host("localhost", deadline)
            if answer is None or not is_wanted(answer.generation):
                wanted = 0
            else:
                since = since if wanted else now
                wanted += 1
                if now - since >= _SETTLED_S and wanted >= _SETTLED_ANSWERS:
                    return None
            time.sleep(_PAUSE_S)
        return Retry(
            problem="reload_pending",
            detail=f"nginx does not answer at {self.probe} with what was written: see its error"
            " log, and whether its http block includes incidents.conf",
        )


def _run(command: tuple[str, ...], what: str, deadline: float) -> Retry | None:
    left = deadline - time.monotonic()
    if left <= 0:
        return Retry(problem=f"{what}_timeout", detail="there was no time left for it")
    ended = process.run(command, timeout_s=left)
    if ended.problem is None:
        return None
    if ended.status is not None:
        return Retry(problem=f"{what}_failed", detail=_error_line(ended))
    return Retry(problem=f"{what}_{ended.problem}", detail=ended.detail)


def _error_line(ended: process.Completed) -> str | None:
    """The line of nginx's errors that names the cause; the last line if none does."""
    for line in ended.errors:
        found = _FAULT.search(line)
        if found is not None:
            return found[0]
    return ended.errors[-1] if ended.errors else None


def _read_answer(status: int, body: bytes) -> ProbeAnswer | None:
    generation, found, state = body.decode("ascii", "replace").partition(" ")
    if status != 200 or not found or state not in ("", *get_args(State)):
        return None
    return ProbeAnswer(generation=generation, state=cast("State", state or "active"))
