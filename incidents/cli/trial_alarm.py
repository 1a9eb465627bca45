"""The trial alarm: a message through each channel to the desk, to see whether it takes it."""

from __future__ import annotations

import html
from datetime import datetime
from typing import TYPE_CHECKING, Any

from incidents.acts.port import Delivered, Skipped
from incidents.cli import output
from incidents.cli.run import painted
from incidents.errors import DONE, FAILED
from incidents.notices.letter import Letter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incidents.acts.port import Outcome
    from incidents.cli.run import Run
    from incidents.notices.notice_settings import Outlet
    from incidents.words import Document, When

WITHIN_S = 18.0
"""So long a channel has to take it."""

_WORDS = {
    "zh_CN": (
        "【测试】告警渠道测试，无需处理",
        "这是一条测试消息，于 {time} 发出，用于确认告警能够送达。无需处理。",
    ),
    "en": (
        "TRIAL: a test of the alarms, nothing to do",
        "This is a trial, sent at {time}, to see whether alarms arrive. There is nothing to do.",
    ),
}

_PAGE = '<!doctype html><html><head><meta charset="utf-8"></head><body>{}</body></html>\n'


def send(run: Run) -> int:
    """Send it through each channel of [alarms], whatever the hour; the exit status."""
    from incidents import clock
    from incidents.notices import notice_settings

    desk = notice_settings.to_desk(run.settings.zone)
    now = clock.now()
    trial = letter(desk.wording.languages, now, run.when)
    # As they come: one that hangs must not keep back what the others have said.
    results = (_result(outlet, trial, now) for outlet in desk.outlets)
    if not desk.outlets:
        run.tell("[alarms] in the settings names no channel: nobody is told of anything")
    took = _tell(run, results)
    return DONE if took and all(took) else FAILED


def letter(languages: Iterable[str], now: datetime, when: When) -> Letter:
    """The trial in these languages; each has an id of its own, so that no mailbox hides one."""
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


def _result(outlet: Outlet, trial: Letter, now: datetime) -> Document:
    outcome = outlet.channel.send(trial, outlet.to, within_s=WITHIN_S)
    until = None if outlet.quiet is None else outlet.quiet.ends(now)
    return {
        "channel": outlet.channel.name,
        "took": isinstance(outcome, Delivered),
        **_problem(outcome),
        "quiet_until": until,
    }


def _problem(outcome: Outcome) -> Document:
    if isinstance(outcome, Delivered):
        return {"problem": None, "detail": None}
    if isinstance(outcome, Skipped):
        return {"problem": outcome.why, "detail": None}
    return {"problem": outcome.problem, "detail": outcome.detail}


def _tell(run: Run, results: Iterable[Document]) -> list[bool]:
    """Writes what each channel has said; whether it took it."""
    took: list[bool] = []

    def noted() -> Iterable[Document]:
        for result in results:
            took.append(result["took"])
            yield result

    if run.quiet:
        run.say(*(result["channel"] for result in noted() if result["took"]))
    elif run.for_programs:
        output.documents(run, ({**each, "quiet_until": _time(each)} for each in noted()))
    else:
        for result in noted():
            run.say(_sentence(result, run.when))
    return took


def _sentence(result: Document, when: When) -> str:
    if not result["took"]:
        detail = f" ({result['detail']})" if result["detail"] else ""
        told = f"{result['channel']}: NOT TAKEN, {result['problem']}{detail}"
        return painted(told, fg="red", bold=True)
    quiet = ""
    if result["quiet_until"] is not None:
        quiet = f"; alarms wait until {when(result['quiet_until'])}, when its quiet hours end"
    return f"{result['channel']}: taken{quiet}"


def _time(result: Document) -> Any:
    from incidents.documents import plain

    return plain(result["quiet_until"])
