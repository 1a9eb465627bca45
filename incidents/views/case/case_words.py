"""The wording of a case report, in two languages: headings, policies, and the reasons of a rule."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from incidents.clock import rfc3339
from incidents.locale import words
from incidents.locale.language import language
from incidents.locale.words import Wording
from incidents.machine.events import Event, Reason
from incidents.machine.policy import Policy, write_duration
from incidents.record import account_events, own_events, report_events
from incidents.record.own_events import LogKeyMade, PolicyActivated

_SECOND = timedelta(seconds=1)
_ENGLISH, _CHINESE = (language(tag, surface="report") for tag in ("en", "zh_CN"))

Both = tuple[str, str]
"""A text in English and in simplified Chinese."""

HEADINGS: dict[str, Both] = {
    "title": ("Case file", "案件记录"),
    "state": ("Site status", "网站现状"),
    "story": ("What happened", "事件经过"),
    "policy": ("Policy", "所依据的策略"),
    "own": ("Desk actions", "值班台自身的记录"),
    "check": ("Check it yourself", "如何自行核验"),
    "limits": ("What this does not prove", "本页不能证明的事项"),
    "happened": ("happened", "发生"),
    "recorded": ("recorded", "记录"),
    "by": ("by", "记录人"),
    "what": ("what", "事项"),
    "leaf": ("leaf", "叶序号"),
    "digest": ("leaf hash", "叶哈希"),
    "site": ("site", "网站"),
    "log": ("log", "日志"),
    "size": ("log entries", "日志条目数"),
    "root": ("root", "根哈希"),
    "signed": ("signed", "签署时间"),
    "key": ("key", "公钥"),
    "witness": ("witness", "见证方"),
    "zone": ("time zone", "时区"),
    "entries": ("site entries", "本网站条目数"),
}


def policy_sentences(policy: Policy) -> list[Both]:
    """The sentences of R1 to R5 with the numbers from that policy."""
    english, chinese = (
        words.policy_sentences(policy, each, two_apart=True) for each in (_ENGLISH, _CHINESE)
    )
    return list(zip(english, chinese, strict=True))


def reasons(wording: Wording, reason: Reason) -> Iterator[str]:
    """The facts that the rule counted and compared, one sentence each."""
    names = wording.incidents(list(reason.incidents))
    if reason.counted is not None:
        yield f"Counted: {reason.counted}, required by the rule: {reason.needed} ({names})."
    elif names:
        yield f"Based on {names}."
    if reason.since is not None and reason.until is not None and reason.within is not None:
        apart, most = reason.until - reason.since, write_duration(reason.within)
        yield (
            f"The time from {exactly(wording, reason.since)} to {exactly(wording, reason.until)} is"
            f" {_length(apart)}; the policy allows at most {most}, both ends included."
        )
    if reason.deadline is not None:
        sentence = f"The deadline was {exactly(wording, reason.deadline)}"
        if reason.decided_at is not None:
            late = _length(reason.decided_at - reason.deadline)
            sentence += (
                f"; the decision came at {exactly(wording, reason.decided_at)}, {late} later"
            )
        yield f"{sentence}."


def _length(length: timedelta) -> str:
    """A duration, exact to the microsecond if it is not in whole seconds."""
    whole, rest = divmod(length, _SECOND)
    more = f"{rest.microseconds} µs" if rest else ""
    text = write_duration(whole * _SECOND) if whole or not more else ""
    return " and ".join(part for part in (text, more) if part)


def exactly(wording: Wording, moment: datetime) -> str:
    """A time, exact to the microsecond if it is not in whole seconds."""
    fraction = f".{moment.microsecond:06}" if moment.microsecond else ""
    return wording.when(moment) + fraction


def own_sentence(event: Event) -> str:
    """The sentence of one of the desk's own actions."""
    if isinstance(event, PolicyActivated):
        second = f", with {event.seconded_by} as second person" if event.seconded_by else ""
        return f"policy {event.policy} is now active and replaces {event.previous}{second}"
    if isinstance(event, LogKeyMade):
        before = f" and replaces {event.previous}" if event.previous else ""
        before += ", which is lost and signed no handover" if event.lost else ""
        return f"key {event.key} now signs the checkpoints{before}"
    if isinstance(event, own_events.ServeKeyMade):
        sealed = f"tokens: {event.tokens}, passwords: {event.passwords}"
        return f"server key {event.key[:16]} is now in use (sealed {sealed})"
    if isinstance(event, own_events.SignInsErased):
        return f"erased {event.rows} sign-in rows from before {rfc3339(event.before)}"
    if isinstance(event, own_events.CheckpointsThinned):
        return f"deleted {event.rows} checkpoints from before {rfc3339(event.before)}"
    if isinstance(event, own_events.HistoryResumed):
        return _resumed(event)
    return _account_sentence(event)


def _resumed(event: own_events.HistoryResumed) -> str:
    """The sentence of a resumption: where the record continues, and what is missing."""
    missing = []
    if event.had is not None:
        missing.append(f"entry {event.had} was known to be here")
    if event.signed is not None:
        missing.append(f"{event.signed} entries were signed that are not at its beginning")
    return "; ".join(
        [f"record continues from entry {event.entries}, in epoch {event.epoch}", *missing]
    )


def _counts(event: account_events.PasswordSet) -> str:
    """The time when a person whose password somebody else has set counts as a second person."""
    if event.counts_from is None:
        return ""
    return f", and cannot be the second person before {rfc3339(event.counts_from)}"


def _account_sentence(event: Event) -> str:
    """The sentence of an action on an account."""
    match event:
        case account_events.AccountMade(handle=handle, role=role):
            return f"account {handle} created with the role {role}"
        case account_events.RoleGiven(handle=handle, role=role):
            return f"{handle} now has the role {role}"
        case account_events.AccountDisabled(handle=handle):
            return f"account {handle} disabled"
        case account_events.AccountEnabled(handle=handle):
            return f"account {handle} enabled"
        case account_events.PasswordSet(handle=handle):
            return f"{handle} has a new password{_counts(event)}"
        case account_events.TokenMade(handle=handle, token=token, expires=expires):
            return f"token {token} created for {handle}, valid until {rfc3339(expires)}"
        case account_events.TokenRevoked(token=token):
            return f"token {token} revoked"
        case account_events.AccessRefused(act=act, why=why, about=about):
            about = f" of {about}" if about else ""
            return f"was denied {act}{about}: {why}"
        case account_events.DetailsRevealed(about=about):
            return f"viewed full numbers and addresses: {about}"
    return _entry_sentence(event)


_FURTHER = ", and is still open for further sites"


def _report_sentence(event: report_events.ReportEvent | report_events.ReporterMarked) -> str:
    """The sentence of an action on a report."""
    match event:
        case report_events.ReportReceived(report=n, channel=channel, format=format_, digest=digest):
            return f"report r{n} received by {channel} ({format_}), SHA-256 {digest}"
        case report_events.ReportLogged(report=n, about=about, stays_open=stays_open):
            return f"report r{n} logged as {about}{_FURTHER if stays_open else ''}"
        case report_events.ReportJoined(report=n, about=about, stays_open=stays_open):
            return f"report r{n} added to {about}{_FURTHER if stays_open else ''}"
        case report_events.ReportDismissed(report=n, not_ours=not_ours):
            return f"report r{n} dismissed{' as not ours' if not_ours else ''}"
        case report_events.ReportReopened(report=n, was=was):
            return f"report r{n} reopened; it was {was}"
        case report_events.ReportAsked(report=n, by_rule=rule, asks=asks):
            return f"report r{n} left to the desk by the rule {rule}: {asks}"
        case report_events.ReportSnapshot(report=n, status=status, problem=problem, digest=digest):
            found = problem or (f"SHA-256 {digest}" if digest else "nothing in it")
            return f"page of report r{n} looked at: {status or '-'}, {found}"
        case report_events.ReporterAnswered(report=n, letter=letter, problem=problem):
            return f"mail to who sent report r{n}: {letter}{f' ({problem})' if problem else ''}"
    return event.kind


def _inbox_sentence(event: Event) -> str:
    """The sentence of an action on what decides about reports."""
    match event:
        case report_events.ReporterMarked(reporter=key, standing=standing):
            return f"reporter {key[:10]} marked as {standing}"
        case report_events.IntakeRulesActivated(rules=rules):
            return f"intake rules activated: {rules}"
        case report_events.AddressBookImported(entries=n, digest=digest):
            return f"address book imported: {n} entries, SHA-256 {digest}"
    return event.kind


def _entry_sentence(event: Event) -> str:
    """The sentence of an action on an invitation, a second factor, a report or a sealed file."""
    match event:
        case report_events.ReportEvent():
            return _report_sentence(event)
        case account_events.SealedOpened(about=about, digest=digest):
            return f"opened a sealed file of {about}, SHA-256 {digest}"
        case account_events.InvitationMade(handle=handle, invitation=id_, expires=expires):
            return f"{handle} invited by invitation {id_}, valid until {rfc3339(expires)}"
        case account_events.InvitationUsed(invitation=id_):
            return f"invitation {id_} used"
        case account_events.InvitationRevoked(invitation=id_):
            return f"invitation {id_} revoked"
        case account_events.FactorAdded(handle=handle, factor=factor, method=method):
            return f"{handle} added the second factor {factor} ({method})"
        case account_events.FactorRemoved(factor=factor):
            return f"second factor {factor} removed"
        case account_events.RecoveryCodesMade(handle=handle):
            return f"{handle} has new recovery codes"
    return _inbox_sentence(event)
