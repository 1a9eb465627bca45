"""The trial alarm on the command line: what each channel to the desk has said to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from incidents.cli import output
from incidents.cli.run import painted
from incidents.errors import DONE, FAILED

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.words import Document, When


def send(run: Run) -> int:
    """Send it through each channel of [alarms], whatever the hour; the exit status."""
    took = _tell(run, _sent(run) if run.remote is None else run.remote.try_alarms())
    if not took:
        run.tell("[alarms] in the settings names no channel: nobody is told of anything")
    return DONE if took and all(took) else FAILED


def _sent(run: Run) -> Iterable[Document]:
    from incidents import clock
    from incidents.notices import notice_settings, trial

    return trial.send(notice_settings.to_desk(run.settings.zone), clock.now(), run.when)


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
        output.documents(run, noted())
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
