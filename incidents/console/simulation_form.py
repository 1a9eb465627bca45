"""The form of a simulation: its history, options and policies, and the run on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from incidents.api.limits import SIMULATING
from incidents.app import App
from incidents.console.figures.comparison import shortened
from incidents.console.forms import SentForm
from incidents.console.rendering import Reader
from incidents.errors import BusyError, Cause, IncidentsError
from incidents.history import comparison, trial_process
from incidents.history.comparison import MAX_POLICIES, MAX_REPORTS, Comparison, Named
from incidents.history.reports import Draw, TooManyReportsError
from incidents.history.rows import HistoryError
from incidents.history.trial_process import BadLinesError, Source, TooCostlyError, Trial, Upload
from incidents.machine import policy
from incidents.system.side_process import OverspentError, Spent
from incidents.values.half_width import half_width

MAX_BYTES = 8 * 2**20
MAX_POLICY_BYTES = 100_000
LIMITS = {"MAX_BYTES": MAX_BYTES, "MAX_REPORTS": MAX_REPORTS, "MAX_POLICIES": MAX_POLICIES}
"""The limits that the forms mention."""
_MAX_NAME = 60
_MAX_SEED = 10**9


_UNDONE: dict[type[IncidentsError], str] = {
    BusyError: "compare.busy",
    TooManyReportsError: "compare.many",
    TooCostlyError: "compare.costly",
}
"""The catalogue's keys for the errors that stop a simulation."""


class InvalidSimulationError(Exception):
    """An input that cannot be simulated.

    `key` is the key of the message in the catalogue; `facts` are the message's facts.
    """

    def __init__(self, key: str, **facts: Any) -> None:
        super().__init__(key)
        self.key, self.facts = key, facts

    def told(self, reader: Reader) -> str:
        """Return the message of the error."""
        facts = {
            name: reader.spoken.cause(fact, reader.when) if isinstance(fact, Cause) else fact
            for name, fact in self.facts.items()
        }
        return reader.say(self.key, **facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """The options for a history: how reports are merged, and how outcomes of calls are drawn."""

    within: timedelta | None
    draw: Draw
    skip_bad: bool


def read_taking(given: SentForm) -> Taking:
    """Read the options in the form; raises InvalidSimulationError."""
    within = given.text("group_within")
    try:
        grouped = None if within is None else policy.read_duration(half_width(within))
    except (ValueError, OverflowError) as error:
        raise InvalidSimulationError("compare.bad_within") from error
    reach = half_width(given.text("reach") or "100")
    seed = half_width(given.text("seed") or "0")
    if not (_is_number(reach) and int(reach) <= 100):
        raise InvalidSimulationError("compare.bad_reach")
    if not (_is_number(seed) and int(seed) < _MAX_SEED):
        raise InvalidSimulationError("compare.bad_seed")
    draw = Draw(reach=int(reach) / 100, seed=int(seed))
    return Taking(within=grouped, draw=draw, skip_bad=given.text("skip_bad") is not None)


def read_history(given: SentForm, name: str, reader: Reader) -> Upload:
    """Read the history from the file in that field; raises InvalidSimulationError."""
    sent = given.file(name)
    if sent is None:
        raise InvalidSimulationError("compare.no_file")
    if sent.size is None or sent.size > MAX_BYTES:
        raise InvalidSimulationError("compare.large", limit=f"{MAX_BYTES // 2**20} MiB")
    zone = reader.zone if given.text("zone") == "desk" else UTC
    return Upload(sent.file.read(), file_name(sent.filename), zone)


def read_policies(given: SentForm, name: str) -> list[Named]:
    """Read the policies from the files in that field; raises InvalidSimulationError."""
    found = []
    for sent in given.files(name):
        called = file_name(sent.filename)
        if sent.size is None or sent.size > MAX_POLICY_BYTES:
            raise InvalidSimulationError("compare.large_policy", name=called)
        found.append((called, read_policy(sent.file.read(), called)))
    return found


def read_policy(text: bytes | str, name: str) -> policy.Policy:
    """Read a policy from a text; `name` is for errors. Raises InvalidSimulationError."""
    try:
        return policy.read(text if isinstance(text, str) else text.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise InvalidSimulationError("compare.no_text", name=name) from error
    except policy.PolicyError as error:
        raise InvalidSimulationError(
            "compare.no_policy", name=name, detail=error.args[0]
        ) from error


def compared(source: Source, named: Sequence[Named], taken: Taking, spent: Spent) -> Comparison:
    """Compare the policies on the history; raises InvalidSimulationError."""
    if not named:
        raise InvalidSimulationError("compare.none")
    if len(named) > MAX_POLICIES:
        raise InvalidSimulationError("compare.too_many", limit=MAX_POLICIES)
    trial = Trial(
        source=source, policies=tuple(named), draw=taken.draw, within=taken.within,
        most=MAX_REPORTS, skip_bad=taken.skip_bad, summarize=comparison.of,
    )  # fmt: skip
    try:
        with SIMULATING.taken():
            return trial_process.run_trial(trial, spent)
    except HistoryError as error:
        line, detail = error.facts.get("line"), error.facts["detail"]
        if line is None:
            raise InvalidSimulationError("compare.no_history", detail=detail) from error
        raise InvalidSimulationError("compare.bad_line", line=f"{line:,}", detail=detail) from error
    except BadLinesError as error:
        first, more = error.facts["lines"][0], error.facts["count"] - 1
        key = "compare.bad_lines" if more else "compare.bad_line"
        raise InvalidSimulationError(
            key, line=f"{first.line:,}", detail=first.detail, more=f"{more:,}"
        ) from error
    except tuple(_UNDONE) as error:
        raise InvalidSimulationError(_UNDONE[type(error)], **error.facts) from error


@contextmanager
def slow_work_for(app: App, by: str) -> Iterator[Spent]:
    """Charge processor time to the account; raises InvalidSimulationError if none is left."""
    with ExitStack() as stack:
        try:
            spent = stack.enter_context(app.processor_budget.charge(by))
        except OverspentError as error:
            raise InvalidSimulationError("compare.overspent", **error.facts) from error
        yield spent


def file_name(name: str | None) -> str:
    return shortened("".join(c for c in name or "?" if c.isprintable()), _MAX_NAME)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9
