"""The trial: a test message to the desk through each channel."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from incidents.contract.case_documents import plain
from incidents.enforcement.port import Delivered, Outcome, Skipped
from incidents.locale.words import TimeFormat
from incidents.notices.letter import Letter
from incidents.notices.notice_settings import DeskSettings, Outlet

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import TriedChannel

WITHIN_S = 18.0
"""The time limit for each channel."""

_WORDS = {
    "zh_CN": (
        "【测试】告警渠道测试，无需处理",
        "这是一条测试消息，于 {time} 发出，用于确认告警能够送达。无需处理。",
    ),
    "en": (
        "TEST: alarm channel test, no action needed",
        "This test message was sent at {time} to check that alarms arrive. No action is needed.",
    ),
}

_PAGE = '<!doctype html><html><head><meta charset="utf-8"></head><body>{}</body></html>\n'


def send(desk: DeskSettings, now: datetime, when: TimeFormat) -> Iterator[TriedChannel]:
    """Send a test through each channel, even in quiet hours, and yield each result as it arrives.

    A channel that does not respond does not delay the results of the others.
    """
    trial = letter(desk.wording.languages, now, when)
    return (_result(outlet, trial, now) for outlet in desk.outlets)


def letter(languages: Iterable[str], now: datetime, when: TimeFormat) -> Letter:
    """The test message in these languages, with a new ID so that no mailbox hides it."""
    parts = [_WORDS[language] for language in languages]
    subject = " / ".join(subject for subject, _ in parts)
    shown = f"{when(now)} {when.zone_name}"
    paragraphs = [words.format(time=shown) for _, words in parts]
    page = "".join(f"<p>{html.escape(each)}</p>" for each in paragraphs)
    return Letter(
        id=f"alarm.trial.{now:%Y%m%dT%H%M%S%f}",
        subject=subject,
        text="\n\n".join(paragraphs) + "\n",
        html=_PAGE.format(page),
        languages=tuple(languages),
    )


def _result(outlet: Outlet, trial: Letter, now: datetime) -> TriedChannel:
    outcome = outlet.channel.send(trial, outlet.to, within_s=WITHIN_S)
    problem, detail = _problem(outcome)
    until = None if outlet.quiet is None else outlet.quiet.ends(now)
    return {
        "channel": outlet.channel.name,
        "took": isinstance(outcome, Delivered),
        "problem": problem,
        "detail": detail,
        "quiet_until": plain(until),
    }


def _problem(outcome: Outcome) -> tuple[str | None, str | None]:
    if isinstance(outcome, Delivered):
        return None, None
    if isinstance(outcome, Skipped):
        return outcome.why, None
    return outcome.problem, outcome.detail
