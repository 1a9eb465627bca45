"""The reference of the entry: every kind of event with its fields and an entry of it.

The examples come out of the machine: a short history is decided, and each event encoded.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.machine.case import Case
from incidents.machine.decide import decide
from incidents.machine.events import Event, Reason
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.record import account_events, entry, own_events, report_events
from incidents.record.codec import Codec
from incidents.record.entry import encode
from incidents.record.own_events import LogKeyMade, PolicyActivated, SignInsErased, WordsErased
from scripts.generated.markdown import code, page, paragraph, table

_SITE, _SITE_ID, _PERSON = "shop.example", 12, "operator-1"
_BEGIN = datetime(2026, 3, 2, 1, tzinfo=UTC)
_DAY = timedelta(days=1)

_HEADER = {
    "v": "the version of this format, 1",
    "site": "the site's name; empty in the desk's own stream",
    "site_id": "the site's number; `0` is the desk's own stream",
    "site_seq": "the entry's place in the site's stream, from 1 without a gap",
    "kind": "what happened, one of the kinds below",
    "occurred_at": "when it happened",
    "recorded_at": "when it was recorded",
    "actor": "who did it; `clock` for what fell due, `courier` for what carried out an order,"
    " `checker` for what checks and reminds, `customer` for the responsible person",
    "login": "the login name; absent for `clock`",
    "policy": "the digest of the policy that was active",
    "rule": "the rule that applied: `repeat` (R1), `unreachable` (R2), `unreachable_run` (R3),"
    " `false_info` (R4), `refusal` (R5)",
    "reason": "why it applied, see below",
    "run": "the run of misses (R3) after this event, if the event changed it",
    "data": "the fields of its kind",
}
_SEALED = frozenset({"note", "text", "phone", "email", "person", "evidence", "name"})
_WORDS: dict[object, str] = {
    int: "whole number",
    str: "text",
    bool: "`true`, or absent",
    datetime: "time",
    timedelta: "whole seconds",
    tuple[int, ...]: "ids of incidents",
    tuple[str, ...]: "list of texts",
    tuple[tuple[str, str], ...]: "object of texts; personal ones are references",
}
_REASON = {
    "incidents": "the incidents that were counted",
    "counted": "how many there are (R1), or the place in the run (R3)",
    "needed": "how many close a site",
    "since": "the first of them (R1); the refusal, or the start of the time to delete (R5)",
    "until": "the last of them (R1)",
    "within_s": "the policy's longest span of time (R1)",
    "deadline": "the missed deadline (R2, R3, R5)",
    "decided_at": "the time it was compared with",
}


def text() -> str:
    """The page."""
    examples = _examples()
    return page(
        "# The entry",
        "The format of the record. Each event of a site is one entry: one line of JSON, stored and"
        " exported to the byte. It is canonical (RFC 8785): keys in order, no spaces, no floating"
        f" point numbers, at most {entry.MAX_BYTES + 1} bytes with its line end.",
        "Ids are public: incident `12-3`, contact `12-3-1`, task `12-t2`, and order `12-o45` after"
        " the entry that gave it. Times are RFC 3339 in UTC. Null, false and empty values are left"
        " out. Personal data (notes, reasons, names, phones, addresses) is replaced by references,"
        " `sha256:…`, to salted values that are kept apart.",
        "## Fields of every entry",
        table(("field", "meaning"), ((f"`{key}`", what) for key, what in _header(examples))),
        "## Fields of a reason",
        table(("field", "value", "meaning"), _reason()),
        "## Kinds",
        *(part for kind in _kinds() for part in _kind(kind, examples[kind.kind])),
    )


def _kinds() -> list[type[Event]]:
    return [*e.KINDS.values(), *own_events.KINDS.values()]


def _header(examples: dict[str, str]) -> list[tuple[str, str]]:
    written = {key for example in examples.values() for key in json.loads(example)}
    assert written == set(_HEADER), "describe each field here"
    return list(_HEADER.items())


def _reason() -> list[tuple[str, str, str]]:
    fields = _fields(Reason)
    assert {key for key, _ in fields} == set(_REASON), "describe each field here"
    return [(key, value, _REASON[key]) for key, value in fields]


def _kind(kind: type[Event], example: str) -> Iterator[str]:
    yield f"### {kind.kind}"
    yield paragraph(kind.__doc__)
    if fields := _fields(kind):
        yield table(("field", "value"), ((f"`{key}`", value) for key, value in fields))
    yield code(json.dumps(json.loads(example), indent=2, ensure_ascii=False), "json")


def _fields(kind: type[Event | Reason]) -> list[tuple[str, str]]:
    hints = get_type_hints(kind)
    return [(key, _value(name, hints[name])) for key, name in Codec(kind).fields.items()]


def _value(name: str, hint: Any) -> str:
    if name in ("incident", "recurs"):
        return _or_absent("id of an incident", hint)
    if name == "order":
        return _or_absent("id of an order", hint)
    if name in ("contact", "task", "item"):
        return _or_absent("outcome" if hint == str | None else f"id of a {name}", hint)
    if name == "suspension":
        return _or_absent("number of a case, as text", hint)
    if name in _SEALED:
        return _or_absent("reference", hint)
    return _or_absent(_WORDS[_bare(hint)], hint)


def _or_absent(words: str, hint: Any) -> str:
    return f"{words}, or absent" if _bare(hint) is not hint else words


def _bare(hint: Any) -> Any:
    """The type beside None."""
    some = [one for one in getattr(hint, "__args__", ()) if one is not type(None)]
    return some[0] if type(None) in getattr(hint, "__args__", ()) else hint


# ── the examples ─────────────────────────────────────────────────────────────────────────────────


def _examples() -> dict[str, str]:
    """The first entry of each kind in the histories below."""
    found: dict[str, str] = {}
    strict, two = replace(DOCUMENTED, min_attempts=1), replace(DOCUMENTED, two_people_close=True)
    histories = (
        (DOCUMENTED, _HISTORY), (strict, _ALARM), (DOCUMENTED, _ORDERS), (two, _TWO_PEOPLE),
    )  # fmt: skip
    for policy, history in histories:
        for event, seq in _decided(policy, history):
            login = None if event.by == c.CLOCK else "wang"
            if event.kind not in found:
                found[event.kind] = encode(event, _SITE, _SITE_ID, seq, login)
    for seq, act in enumerate(
        (
            _activation(), _key(), _erasure(), _erased_sign_ins(), *_account_acts(), _resumption(),
            _thinning(),
        ), 1,
    ):  # fmt: skip
        found[act.kind] = encode(act, entry.DESK, 0, seq, "wang")
    return found


def _decided(policy: Policy, history: list[tuple[timedelta, c.Command]]) -> Iterator[Any]:
    case = Case(site_id=_SITE_ID, site=_SITE)
    for after, command in history:
        decision = decide(case, command, policy, _BEGIN + after)
        assert decision.refusal is None, (command, decision.refusal)
        first = decision.case.seq - len(decision.events) + 1
        yield from ((event, seq) for seq, event in enumerate(decision.events, first))
        case = decision.case


def _reference(words: str) -> str:
    return f"sha256:{hashlib.sha256(words.encode()).hexdigest()}"


def _activation() -> Event:
    stricter = replace(DOCUMENTED, min_attempts=2)
    return PolicyActivated(
        occurred_at=_BEGIN, recorded_at=_BEGIN, by="supervisor-1", policy=stricter.digest,
        previous=DOCUMENTED.digest, toml=stricter.toml(), text=_reference("agreed on 1 March"),
    )  # fmt: skip


def _key() -> Event:
    return LogKeyMade(
        occurred_at=_BEGIN, recorded_at=_BEGIN, by="supervisor-1", policy=DOCUMENTED.digest,
        key="PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    )  # fmt: skip


def _erasure() -> Event:
    return WordsErased(
        occurred_at=_BEGIN, recorded_at=_BEGIN, by="supervisor-1", policy=DOCUMENTED.digest,
        before=_BEGIN - 184 * _DAY, words=12, files=1, of=_SITE, text=_reference("asked for"),
    )  # fmt: skip


def _erased_sign_ins() -> Event:
    return SignInsErased(
        occurred_at=_BEGIN, recorded_at=_BEGIN, by="supervisor-1", policy=DOCUMENTED.digest,
        before=_BEGIN - 184 * _DAY, rows=40, text=_reference("asked for"),
    )  # fmt: skip


def _thinning() -> Event:
    return own_events.CheckpointsThinned(
        occurred_at=_BEGIN, recorded_at=_BEGIN, by="supervisor-1", policy=DOCUMENTED.digest,
        before=_BEGIN - 30 * _DAY, rows=2_000,
    )  # fmt: skip


def _resumption() -> Event:
    return own_events.HistoryResumed(
        occurred_at=_BEGIN, recorded_at=_BEGIN, by="daemon", policy=DOCUMENTED.digest, epoch=60,
        cause="entries_lost", entries=1_500, since=_BEGIN, had=1_536,
    )  # fmt: skip


def _after(**by: float) -> timedelta:
    return timedelta(**by)


def _account_acts() -> Iterator[Event]:
    when: dict[str, Any] = {
        "occurred_at": _BEGIN, "recorded_at": _BEGIN, "by": "admin-1", "policy": DOCUMENTED.digest,
    }  # fmt: skip
    own: dict[str, Any]
    own, token = {"handle": "operator-1"}, "4f1c09a7be"
    yield account_events.AccountMade(**when, **own, role="operator")
    yield account_events.RoleGiven(**when, **own, role="supervisor")
    yield account_events.AccountDisabled(**when, **own)
    yield account_events.AccountEnabled(**when, **own)
    yield account_events.PasswordSet(
        **when, **own, counts_from=_BEGIN + _DAY, kept=hashlib.sha256(b"a hash").hexdigest()
    )  # fmt: skip
    yield account_events.TokenMade(
        **when, handle="panel-1", token=token, acts=("add_site", "log"),
        digest=hashlib.sha256(b"a secret").hexdigest(), expires=_BEGIN + 90 * _DAY,
    )  # fmt: skip
    yield account_events.TokenRevoked(**when, token=token)
    invitation, factor = "b3a1f0c2d4", "07e2c5d9aa"
    yield account_events.InvitationMade(
        **when, **own, invitation=invitation, expires=_BEGIN + 3 * _DAY,
        digest=hashlib.sha256(b"an invitation").hexdigest(),
    )  # fmt: skip
    yield account_events.InvitationUsed(**when, invitation=invitation)
    yield account_events.InvitationRevoked(**when, invitation=invitation)
    yield account_events.FactorAdded(**when, **own, factor=factor, method="totp")
    yield account_events.FactorRemoved(**when, factor=factor)
    yield account_events.RecoveryCodesMade(**when, **own)
    yield account_events.AccessRefused(**when, act="approve", why="same_person", about=_SITE)
    yield account_events.DetailsRevealed(**when, about=_SITE)
    report = hashlib.sha256(b"a report").hexdigest()
    yield account_events.SealedOpened(
        **when, about="r17", digest=report, text=_reference("asked for by the police")
    )
    yield report_events.ReportReceived(
        **when, report=17, digest=report, size=2_048, channel="command", format="arf",
        text=_reference("what was read"), same_id_as=16,
    )  # fmt: skip
    rules = "sha256:" + hashlib.sha256(b"rules").hexdigest()
    by_rule: dict[str, Any] = {"by_rule": "trusted-feed", "rules": rules}
    yield report_events.IntakeRulesActivated(
        **when, rules=rules, toml='[[rule]]\nname = "trusted-feed"\n…', text=_reference("a reason")
    )
    book = hashlib.sha256(b"customer,site").hexdigest()
    yield report_events.AddressBookImported(**when, digest=book, entries=120, replaced=7)
    signed = {**when, "by": "rule:trusted-feed (operator-1)"}
    yield report_events.ReportLogged(**signed, report=17, about="12-3", **by_rule)
    yield report_events.ReportAsked(**signed, report=20, **by_rule, asks="would_close")
    yield report_events.ReportJoined(**when, report=18, about="12-3")
    yield report_events.ReportDismissed(
        **when, report=19, text=_reference("a reason"), not_ours=True
    )
    yield report_events.ReportReopened(
        **when, report=19, was="not_ours", text=_reference("a reason")
    )
    yield report_events.ReporterAnswered(
        **when,
        report=17,
        letter="receipt",
        text=_reference("an address"),
        others=("r18", "r19"),
        more=3,
    )
    yield report_events.ReportSnapshot(
        **when, report=17, text=_reference("an address and a page"), status=200,
        digest=hashlib.sha256(b"a page").hexdigest(), size=51_234,
        screenshot=hashlib.sha256(b"a picture").hexdigest(),
    )  # fmt: skip
    yield report_events.ReporterMarked(
        **when, reporter=hashlib.sha256(b"a reporter").hexdigest(), standing="trusted",
        text=_reference("an address and a reason"),
    )  # fmt: skip
    yield own_events.ServeKeyMade(
        **when, key=hashlib.sha256(b"a key").hexdigest(), tokens=2, passwords=3
    )  # fmt: skip


_URL = "https://shop.example/pills"
_MISS = [
    (_after(days=day), c.Log(by=_PERSON, urls=(f"{_URL}/{day}",), category="drugs"))
    for day in (3, 6)
]
_HISTORY: list[tuple[timedelta, c.Command]] = [
    (_after(), c.AddSite(by=_PERSON, phone=_reference("phone"))),
    (_after(minutes=1), c.EditSite(by=_PERSON, email=_reference("e-mail"))),
    (_after(minutes=2), c.ImportIncident(
        by=_PERSON, at=_BEGIN - 90 * _DAY, contact="reached", contact_at=_BEGIN - 90 * _DAY)),
    (_after(minutes=3), c.Log(by=_PERSON, urls=(_URL,), category="drugs", note=_reference("note"))),
    (_after(minutes=4), c.Attach(
        by=_PERSON, incident=2, digest=hashlib.sha256(b"a page").hexdigest(), size=48_213,
        name=_reference("page.png"))),
    (_after(minutes=5), c.ClaimItem(by=_PERSON, item="2")),
    (_after(minutes=6), c.ReleaseItem(by=_PERSON, item="2")),
    (_after(minutes=9), c.RecordContact(by=_PERSON, incident=2, outcome="no-answer")),
    # R2: suspended, then undone by an in-time call recorded late, then in effect again.
    (_after(hours=2), c.RecordContact(
        by=_PERSON, incident=2, outcome="reached", at=_BEGIN + _after(minutes=40))),
    (_after(hours=3), c.VoidContact(
        by=_PERSON, incident=2, contact=2, reason=_reference("another customer's call"))),
    (_after(days=2), c.StateRemoved(by=_PERSON, incident=2)),
    (_after(days=2, minutes=1), c.TakeBack(by=_PERSON, incident=2, reason=_reference("slip"))),
    *_MISS,
    # R3 closes; an in-time call, to another customer, disputes that, and so does a void.
    (_after(days=9), c.Log(by=_PERSON, urls=(f"{_URL}/9",))),
    (_after(days=9, hours=2), c.RecordContact(
        by=_PERSON, incident=5, outcome="reached", at=_BEGIN + _after(days=9, minutes=9))),
    (_after(days=9, hours=3), c.VoidContact(
        by=_PERSON, incident=5, contact=1, reason=_reference("another customer's call"))),
    (_after(days=10), c.VoidIncident(by=_PERSON, incident=2, reason=_reference("none"))),
    (_after(days=10, hours=1), c.Uphold(by="supervisor-1", reason=_reference("it stands"))),
    (_after(days=11), c.SetHold(by="supervisor-1", reason=_reference("order 7"))),
    (_after(days=12), c.LiftHold(by="supervisor-1", reason=_reference("order 8"))),
    (_after(days=13), c.AskReinstatement(by="supervisor-1", reason=_reference("appeal"))),
    (_after(days=13, hours=1), c.Decline(by="supervisor-2", reason=_reference("not yet"))),
    (_after(days=14), c.AskReinstatement(by="supervisor-1", reason=_reference("appeal"))),
    (_after(days=14, hours=1), c.Approve(by="supervisor-2")),
    (_after(days=14, hours=2), c.CompleteTask(by=_PERSON, task=4, outcome="all gone")),
    (_after(days=20), c.Log(by=_PERSON, urls=(f"{_URL}/20",))),
    (_after(days=20, minutes=5), c.RecordContact(by=_PERSON, incident=6, outcome="reached")),
    (_after(days=20, minutes=9), c.StateRefused(by=_PERSON, incident=6)),
]  # fmt: skip
_ALARM: list[tuple[timedelta, c.Command]] = [
    (_after(), c.Log(by=_PERSON, urls=(_URL,))),
    (_after(hours=2), c.Elapse()),
]
# A closure that one requests and another declines, where the policy needs two people.
_TWO_PEOPLE: list[tuple[timedelta, c.Command]] = [
    (_after(), c.StateFalse(by=_PERSON, field="phone", evidence=_reference("rings at a baker's"))),
    (_after(minutes=9), c.DeclineClosure(
        by="supervisor-1", reason=_reference("the number is his"))),
]  # fmt: skip
# An order given up, retried, undone by hand, and given once more.
_ORDERS: list[tuple[timedelta, c.Command]] = [
    (_after(), c.SetHold(by="supervisor-1", reason=_reference("order 9"))),
    (_after(days=3), c.RecordFailure(
        order=1, lane="act", adapter="panel", attempts=41, problem="http_503")),
    (_after(days=3, hours=1), c.RetryOrder(by=_PERSON, order=1, lane="act")),
    (_after(days=3, hours=2), c.RecordDelivery(
        order=1, lane="act", adapter="panel", attempts=42, enforced=True)),
    (_after(days=4), c.RecordState(
        by=_PERSON, adapter="panel", seen="active", in_force="suspended", last_act=1)),
    (_after(days=4), c.RepeatOrder(by=_PERSON)),
    (_after(days=4, hours=1), c.CancelOrder(
        by=_PERSON, order=6, lane="act", why="by_hand", reason=_reference("the server is gone"))),
    (_after(days=5), c.Log(by=_PERSON, urls=(_URL,))),
    (_after(days=5, hours=1), c.StateReported(
        by=_PERSON, incident=1, note=_reference("receipt 2026-17"))),
    (_after(days=5, hours=2), c.SayRemoved(incident=1, note=_reference("it is deleted"))),
    (_after(days=5, hours=3), c.AddNote(
        by=_PERSON, incident=1, audience="customer", text=_reference("there is more"))),
    (_after(days=5, hours=4), c.RevokeLinks(by=_PERSON, incident=1)),
    (_after(days=6), c.ChangeFiling(by=_PERSON, details=(
        ("level", "3"), ("opened_on", "2026-02-10"),
        ("responsible_name", _reference("their name")), ("service_type", "shop")))),
    (_after(days=6, hours=1), c.Remind(on="2026-03-08")),
    (_after(days=6, hours=2), c.RaiseSuspicion(
        field="responsible_name", finding="name_is_a_placeholder")),
    (_after(days=6, hours=3), c.RecordFooter(problems=("icon_missing",))),
]  # fmt: skip
