"""What the command line says of intake rules that do nothing, because of their owners."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from incidents.accounts.identity import is_handle
from incidents.cli.run import Run

if TYPE_CHECKING:
    from incidents.contract.documents.reports import StoppedRule

_STEPS = {
    "no_account": "incidents account add {owner} --role operator",
    "disabled": "incidents account enable {owner}",
    "role": "incidents account role {owner} operator",
}
_OTHER_OWNER = "incidents report rules activate FILE --reason R"


def warn(run: Run) -> None:
    """Say which rules in force do nothing, if any, and what to do; a local database only."""
    with run.local.queries(run.language) as queries:
        tell(run, queries.intake_rules()["stopped"])


def tell(run: Run, stopped: Sequence[StoppedRule]) -> None:
    """Say that the rules do nothing, why, and what to do, if there are any."""
    if stopped:
        run.inform(*_told(run, stopped))


def _told(run: Run, stopped: Sequence[StoppedRule]) -> Iterator[str]:
    for each in stopped:
        yield run.text(f"rules.stopped.{each['why']}", **each)
    steps = [
        _STEPS[each["why"]].format(owner=each["owner"])
        for each in stopped
        if is_handle(each["owner"])
    ]
    for step in dict.fromkeys([*steps, _OTHER_OWNER]):
        yield run.text("answer.next", step=step)
