"""The words of a report, in two languages: headings, policies, and the reasons of a rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from incidents.clock import rfc3339
from incidents.locale import words
from incidents.locale.language import language
from incidents.locale.words import Teller
from incidents.machine.events import Event, Reason
from incidents.machine.policy import Policy, write_duration
from incidents.record import own_events
from incidents.record.own_events import LogKeyMade, PolicyActivated

_SECOND = timedelta(seconds=1)
_ENGLISH, _CHINESE = language("en", surface="report"), language("zh_CN")

Both = tuple[str, str]
"""A text in English and in simplified Chinese."""

HEADINGS: dict[str, Both] = {
    "title": ("Record of a case", "案件记录"),
    "state": ("How the site stands", "网站现状"),
    "story": ("What happened", "事件经过"),
    "policy": ("The policy", "所依据的规则"),
    "own": ("The desk's own acts", "服务台自身的记录"),
    "check": ("How to check it yourself", "如何自行核验"),
    "limits": ("What this does not prove", "本页不能证明的事项"),
    "happened": ("happened", "发生"),
    "recorded": ("recorded", "记录"),
    "by": ("by", "记录人"),
    "what": ("what", "事项"),
    "leaf": ("leaf", "叶序号"),
    "digest": ("leaf hash", "叶哈希"),
    "site": ("site", "网站"),
    "log": ("log", "日志"),
    "size": ("entries in the log", "日志条目数"),
    "root": ("root", "根哈希"),
    "signed": ("signed", "签署时间"),
    "key": ("key", "公钥"),
    "witness": ("witness", "见证方"),
    "zone": ("zone of times", "时区"),
    "entries": ("entries of the site", "本网站条目数"),
}


def policy_sentences(policy: Policy) -> list[Both]:
    """The sentences of R1 to R5 with the numbers of that policy."""
    english, chinese = (
        words.policy_sentences(policy, each, two_apart=True) for each in (_ENGLISH, _CHINESE)
    )
    return list(zip(english, chinese, strict=True))


def reasons(teller: Teller, reason: Reason) -> Iterator[str]:
    """The facts that the rule counted and compared, in a sentence each."""
    names = teller.incidents(list(reason.incidents))
    if reason.counted is not None:
        yield f"It counted {reason.counted} of the {reason.needed} that the rule needs: {names}."
    elif names:
        yield f"It rests on {names}."
    if reason.since is not None and reason.until is not None and reason.within is not None:
        apart, most = reason.until - reason.since, write_duration(reason.within)
        yield (
            f"From {exactly(teller, reason.since)} to {exactly(teller, reason.until)} is"
            f" {_length(apart)}; the policy says {most} at most, both ends included."
        )
    if reason.deadline is not None:
        told = f"The deadline was {exactly(teller, reason.deadline)}"
        if reason.decided_at is not None:
            late = _length(reason.decided_at - reason.deadline)
            told += f"; it was decided at {exactly(teller, reason.decided_at)}, {late} past it"
        yield f"{told}."


def _length(length: timedelta) -> str:
    """A duration, exact to the microsecond if it is not in whole seconds."""
    whole, rest = divmod(length, _SECOND)
    more = f"{rest.microseconds} µs" if rest else ""
    told = write_duration(whole * _SECOND) if whole or not more else ""
    return " and ".join(part for part in (told, more) if part)


def exactly(teller: Teller, moment: datetime) -> str:
    """A time, exact to the microsecond if it is not in whole seconds."""
    fraction = f".{moment.microsecond:06}" if moment.microsecond else ""
    return teller.when(moment) + fraction


def own_sentence(event: Event) -> str:
    """The sentence of one of the desk's own acts."""
    if isinstance(event, PolicyActivated):
        second = f", {event.seconded_by} having signed in for it too" if event.seconded_by else ""
        return (
            f"the policy {event.policy} is active from now on, in place of {event.previous}{second}"
        )
    if isinstance(event, LogKeyMade):
        before = f", in place of {event.previous}" if event.previous else ""
        before += ", which is lost and does not hand over" if event.lost else ""
        return f"the key {event.key} signs the checkpoints from now on{before}"
    if isinstance(event, own_events.ServeKeyMade):
        sealed = f"{event.tokens} tokens and {event.passwords} passwords"
        return f"the servers' key {event.key[:16]} seals {sealed} from now on"
    if isinstance(event, own_events.SignInsErased):
        return f"who signed in before {rfc3339(event.before)} is erased, in {event.rows} rows"
    if isinstance(event, own_events.HistoryResumed):
        return _resumed(event)
    return _account_sentence(event)


def _resumed(event: own_events.HistoryResumed) -> str:
    """The sentence of a resumption: where the record continues, and what is missing."""
    missing = []
    if event.had is not None:
        missing.append(f"entry {event.had} is known to have been here")
    if event.signed is not None:
        missing.append(f"{event.signed} entries were signed that it does not begin with")
    return "; ".join(
        [f"the record goes on from entry {event.entries}, in epoch {event.epoch}", *missing]
    )


def _counts(event: own_events.PasswordSet) -> str:
    """When a person whose password somebody else has set counts as a second person."""
    if event.counts_from is None:
        return ""
    return f", and counts as no second person before {rfc3339(event.counts_from)}"


def _account_sentence(event: Event) -> str:
    """The sentence of an act on an account."""
    match event:
        case own_events.AccountMade(handle=handle, role=role):
            return f"{handle} has an account from now on, as {role}"
        case own_events.RoleGiven(handle=handle, role=role):
            return f"{handle} is {role} from now on"
        case own_events.AccountDisabled(handle=handle):
            return f"nobody comes in as {handle} any more"
        case own_events.AccountEnabled(handle=handle):
            return f"{handle} may come in again"
        case own_events.PasswordSet(handle=handle):
            return f"{handle} has a new password{_counts(event)}"
        case own_events.TokenMade(handle=handle, token=token, expires=expires):
            return f"{handle} has the token {token}, until {rfc3339(expires)}"
        case own_events.TokenRevoked(token=token):
            return f"the token {token} is worth nothing from now on"
        case own_events.AccessRefused(act=act, why=why, about=about):
            about = f" of {about}" if about else ""
            return f"was not let do {act}{about}: {why}"
        case own_events.DetailsRevealed(about=about):
            return f"was shown numbers and addresses in full: {about}"
    return event.kind
