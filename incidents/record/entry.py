"""The entry: one event as the canonical JSON that is stored, exported and proved.

The text is RFC 8785 to the byte: ASCII keys in order, no floats, no space. Each entry is readable
on its own: numbers within a site are written as public ids (`12-3`, `12-3-1`, `12-t2`), times as
RFC 3339 in UTC, durations as whole seconds under a key that ends in `_s`. None, False and empty
values are left out. People's text is written as references to sealed values.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring as quoted
from typing import Any

from incidents.clock import rfc3339
from incidents.errors import Cause, IncidentsError
from incidents.machine import events
from incidents.machine.events import Event, Reason
from incidents.record import own_events
from incidents.record.codec import Codec
from incidents.values import parsing
from incidents.values.parsing import MisreadError

VERSION = 1
MAX_BYTES = 65_535
DESK = ""
"""The site's name in entries of the desk's own stream, whose site id is 0."""

_JSON = json.JSONDecoder()
_OTHERWISE = Cause.of("flaw_entry_not_as_written", "it is not written as the desk writes")


class UnreadableEntryError(IncidentsError):
    """Not an entry of this desk: {detail}."""


class EntryTooLargeError(IncidentsError):
    """Nothing was done: the entry {kind} of {site} would have {size} bytes, and the limit is
    {limit}. Do it in smaller parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The position of an entry: the site, and the entry's number in the site's stream.

    `login`: the login recorded with the person; None if the clock acted.
    """

    site: str
    site_id: int
    site_seq: int
    login: str | None = None


def encode(event: Event, site: str, site_id: int, seq: int, login: str | None) -> str:
    """Encode `event` as the entry with the number `seq` of its site.

    Raises:
        EntryTooLargeError: if the entry does not fit in 64 KiB.
    """
    codec = _codecs[event.kind]
    occurred_at = rfc3339(event.occurred_at)
    # Most are recorded as they happen, so both times are the same.
    same = event.recorded_at is event.occurred_at
    recorded_at = occurred_at if same else rfc3339(event.recorded_at)
    person = "" if login is None else f'"login":{quoted(login)},'
    run = "" if event.run is None else f'"run":{int.__repr__(event.run)},'
    reason = rule = ""
    if event.reason is not None:
        reason = f'"reason":{_reason.write(event.reason, site_id)},'
        rule = f'"rule":{quoted(event.reason.rule)},'
    # The keys in order: this line makes the entry canonical.
    text = (
        f'{{"actor":{quoted(event.by)},"data":{codec.write(event, site_id)},"kind":"{event.kind}",'
        f'{person}"occurred_at":"{occurred_at}","policy":{quoted(event.policy)},{reason}'
        f'"recorded_at":"{recorded_at}",{rule}{run}"site":{quoted(site)},"site_id":"{site_id}",'
        f'"site_seq":"{seq}","v":{VERSION}}}'
    )
    if len(text) * 4 > MAX_BYTES and (size := len(text.encode())) > MAX_BYTES:
        raise EntryTooLargeError(kind=event.kind, site=site, size=size, limit=MAX_BYTES)
    return text


def decode(text: str) -> tuple[Header, Event]:
    """Decode an entry from `encode` into its header and event.

    Raises:
        UnreadableEntryError: with the fault.
    """
    try:
        entry, _ = _JSON.raw_decode(text)
        if entry["v"] != VERSION:
            raise UnreadableEntryError(detail=Cause.of(
                "flaw_entry_version", "its version is {own!r}, not {right}",
                own=entry["v"], right=VERSION,
            ))  # fmt: skip
        header = Header(
            site=entry["site"],
            site_id=int(entry["site_id"]),
            site_seq=int(entry["site_seq"]),
            login=entry.get("login"),
        )
        event = _event(entry)
        again = encode(event, header.site, header.site_id, header.site_seq, header.login)
    except json.JSONDecodeError as error:
        why = json_cause(error)
        detail = Cause.of("flaw_entry_no_json", "it is not JSON: {why}", why=why)
        raise UnreadableEntryError(detail=detail) from error
    except KeyError as error:
        detail = Cause.of("flaw_entry_no_field", "it has no {name!r}", name=error.args[0])
        raise UnreadableEntryError(detail=detail) from error
    except (AttributeError, TypeError, ValueError) as error:
        own = isinstance(error, MisreadError)
        raise UnreadableEntryError(detail=error.args[0] if own else _OTHERWISE) from error
    if again != text:
        raise UnreadableEntryError(detail=_OTHERWISE)
    return header, event


def json_cause(error: ValueError | RecursionError) -> str:
    """The fault of a text that `json` could not read, for translation."""
    if isinstance(error, MisreadError):
        return error.args[0] if isinstance(error.args[0], Cause) else str(error)
    code, sentence, facts = parsing.json_fault(error)
    return Cause.of(code, sentence, **facts)


def _event(entry: dict[str, Any]) -> Event:
    codec = _codecs[entry["kind"]]
    event = codec.read(entry["data"])
    if codec.kind is events.SiteAdded:
        event["site"] = entry["site"]
    reason = None
    if "rule" in entry:
        reason = Reason(rule=entry["rule"], **_reason.read(entry["reason"]))
    # Whether a time was in UTC, and written as the desk writes, `decode` finds out.
    written = entry["occurred_at"]
    occurred_at = recorded_at = datetime.fromisoformat(written)
    if entry["recorded_at"] != written:
        recorded_at = datetime.fromisoformat(entry["recorded_at"])
    return codec.kind(
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        by=entry["actor"],
        policy=entry["policy"],
        reason=reason,
        run=entry.get("run"),
        **event,
    )


class _Codecs(dict[str, Codec[Event]]):
    """The codecs of the kinds of events, each created on first use."""

    def __missing__(self, word: str) -> Codec[Event]:
        if word not in _KINDS:
            none = "its kind is {kind!r}, which is none"
            raise MisreadError(Cause.of("flaw_entry_kind", none, kind=word[:80]))
        codec = self[word] = Codec(_KINDS[word])
        return codec


_KINDS: dict[str, type[Event]] = {**events.KINDS, **own_events.KINDS}
_codecs = _Codecs()
_reason = Codec(Reason)
