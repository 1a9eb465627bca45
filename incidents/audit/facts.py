"""The facts that an entry states about itself, read at minimal cost, and the flaws of a log.

`read` requires the exact form of RFC 8785. `read_end` reads only the end of the entry. For an entry
that the desk wrote, both results are equal, because a backslash precedes each quotation mark inside
a text. `entry.decode` checks that the desk can have written an entry.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, NoReturn

from incidents.errors import Cause, IncidentsError
from incidents.record.entry import DESK, MAX_BYTES, VERSION, UnreadableEntryError, json_cause
from incidents.store.schema.desk_tables import DESK_STREAM
from incidents.store.schema.types import canonical
from incidents.values.parsing import MisreadError

if TYPE_CHECKING:
    from incidents.contract.documents import proofs
    from incidents.values.json_object import JSONObject


class Facts(NamedTuple):
    """An entry's site, place, recording time (RFC 3339, UTC), and policy (its digest)."""

    site: str
    site_id: int
    site_seq: int
    recorded_at: str
    policy: str


def read(body: bytes) -> Facts:
    """Read the facts that an entry states about itself.

    Raises:
        UnreadableEntryError: with the reason why the bytes are not an entry.
    """
    if len(body) > MAX_BYTES:
        raise _too_long(body)
    try:
        text = body.decode()
        entry = _decode(text)
        if canonical(entry) != text:
            raise _unreadable("not_canonical", "it is not in the canonical form of RFC 8785")
        return _facts(entry)
    except (ValueError, RecursionError) as error:
        why = json_cause(error)
        raise _unreadable("no_json", "it is not JSON: {why}", why=why) from error
    except KeyError as error:
        name = error.args[0]
        raise _unreadable("no_field", "it has no {name!r}", name=name) from error
    except (TypeError, LookupError) as error:
        raise _unreadable("not_as_written", "it is not written as the desk writes") from error


def read_end(body: bytes) -> Facts:
    """Read the facts from the end of an entry that the desk wrote.

    Raises:
        UnreadableEntryError: if the bytes do not end as the desk's entries do.
    """
    if len(body) > MAX_BYTES:
        raise _too_long(body)
    found = _END.search(body)
    if found is None:
        raise _unreadable("no_end", "it does not end as the desk writes")
    policy, recorded_at, site, site_id, seq = found.groups()
    try:
        name = site.decode()
    except UnicodeDecodeError as error:
        raise _unreadable("site_not_utf8", "the name of its site is no UTF-8") from error
    if (site_id == b"0") is not (name == DESK):
        raise _unreadable("site_name", _NAME_OF_SITE, name=name, site=site_id.decode())
    return Facts(name, int(site_id), int(seq), recorded_at.decode(), policy.decode())


def _facts(entry: JSONObject) -> Facts:
    site, recorded_at, policy = entry["site"], entry["recorded_at"], entry["policy"]
    site_id, site_seq = entry["site_id"], entry["site_seq"]
    # Bool is an int, but the desk writes no bool here.
    if entry["v"] is not VERSION:
        right = "its version is {own!r}, not {right}"
        raise _unreadable("version", right, own=entry["v"], right=VERSION)
    if type(site) is not str or type(policy) is not str:
        raise _unreadable("no_text", "its site or its policy is no text")
    if _NUMBER.fullmatch(site_id) is None or _NUMBER.fullmatch(site_seq) is None:
        raise _unreadable("numbers", "its numbers are not written as the desk writes them")
    if _TIME.fullmatch(recorded_at) is None:
        raise _unreadable("time", "{time!r} is no time as the desk writes it", time=recorded_at)
    facts = Facts(site, int(site_id), int(site_seq), recorded_at, policy)
    if (facts.site_id == DESK_STREAM) is not (site == DESK):
        raise _unreadable("site_name", _NAME_OF_SITE, name=site, site=site_id)
    return facts


_NAME_OF_SITE = "{name!r} cannot be the name of site {site}"


def _unreadable(code: str, sentence: str, **facts: Any) -> UnreadableEntryError:
    return UnreadableEntryError(detail=Cause.of(f"flaw_entry_{code}", sentence, **facts))


def _too_long(body: bytes) -> UnreadableEntryError:
    sentence = "it has {n} bytes, and {most} are the most"
    return _unreadable("too_long", sentence, n=len(body), most=MAX_BYTES)


def _refused(text: str) -> NoReturn:
    raise MisreadError(f"{text[:40]} is no whole number")


_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_TIME_FORM = (
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}"
    r"(?:\.(?!0{6})[0-9]{6})?Z"
)
_TIME = re.compile(_TIME_FORM, re.ASCII)
# The keys of an entry in their order, from the one that each has before its policy.
_END = re.compile(
    (
        r',"occurred_at":"[^"\\]*","policy":"([!#-\[\]-~]*)",(?:"reason":\{.*\},)?'
        rf'"recorded_at":"({_TIME_FORM})",(?:"rule":"[^"\\]*",)?(?:"run":[0-9]+,)?'
        r'"site":"([^"\\]*)","site_id":"(0|[1-9][0-9]{0,18})","site_seq":"(0|[1-9][0-9]{0,18})",'
        rf'"v":{VERSION}\}}\Z'
    ).encode(),
    re.DOTALL,
)
_decode = json.JSONDecoder(parse_float=_refused, parse_constant=_refused).decode


Part = Literal["bundle", "entries", "tree", "checkpoints", "policy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A flaw: where it is, and what is wrong.

    For an entry, `site` is the site's name, `entry` has the numbers of the site and of the entry in
    the site's stream (`12-3`), and `leaf` is the entry's number in the log, from 0. `expected`: the
    right value, if known. `what` is a Cause if it can be translated.
    """

    part: Part
    where: str
    what: str
    site: str | None = None
    entry: str | None = None
    leaf: int | None = None
    expected: str | None = None
    found: str | None = None

    def document(self) -> proofs.Flaw:
        """The flaw as JSON."""
        return {
            "part": self.part, "where": self.where, "what": self.what, "site": self.site,
            "entry": self.entry, "leaf": self.leaf, "expected": self.expected, "found": self.found,
        }  # fmt: skip

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def cause_of(error: IncidentsError) -> Cause:
    """The description of a flaw, taken from an error."""
    return Cause.of(f"flaw_{error.name}", "{message}", message=error.message, **error.facts)


def at_leaf(leaf: int) -> Cause:
    """Where a flaw is, by the number in the log, if nothing else is known."""
    return Cause.of("at_leaf", "leaf {leaf}", leaf=leaf)


def at_row(entry: int, leaf: int | None = None) -> Cause:
    """Where a flaw is, by the entry's row, and by the entry's number in the log if it has one."""
    if leaf is None:
        return Cause.of("at_row", "entries {row}", row=entry)
    return Cause.of("at_row_leaf", "entries {row}, leaf {leaf}", row=entry, leaf=leaf)


def at_line(file: str, line: int) -> Cause:
    """Where a flaw is, by the line (from 1) in a file of a bundle."""
    return Cause.of("at_line", "{file}, line {line}", file=file, line=line)


def at_entry(site: str, entry: str, leaf: int | None) -> Cause:
    """Where a flaw is, by the site and the entry's number in the site's stream."""
    if leaf is None:
        return Cause.of("at_entry", "{site}, entry {entry}", site=site, entry=entry)
    place = "{site}, entry {entry}, leaf {leaf}"
    return Cause.of("at_entry_leaf", place, site=site, entry=entry, leaf=leaf)
