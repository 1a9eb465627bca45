"""The pages of the intake rules: in force, tried on the record, activated, and all there ever were.

A person tries rules before they activate them, so that they have seen what the rules would do.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from fastapi import APIRouter
from starlette.responses import Response

from incidents.console import messages, simulation_form
from incidents.console.flash import Flash
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.result_cache import ResultCache
from incidents.console.simulation_form import InvalidSimulationError
from incidents.console.submission import Submission, Submitted, SubmittedWithFiles
from incidents.contract.documents.reports import RulesTrial
from incidents.errors import InputError, RefusedError
from incidents.intake import rules_file
from incidents.intake.rules import CRITERIA, Rule, Rules
from incidents.intake.rules_file import RulesError
from incidents.values import inputs
from incidents.values.half_width import half_width
from incidents.views.inbox import intake_rules

router = APIRouter()

PATH = "/reports/rules"
ACTION = "activate_rules"
DAYS, MAX_DAYS = 30, 366
MAX_HISTORY = 50
"""The maximum number of activations on the page, the latest."""
_WORDS = {"channel": "report_channel", "format": "report_format", "category": "category"}
"""The criteria whose values have words, with the group of the words."""


class ToldRule(NamedTuple):
    """A rule in the reader's words; `criteria`: what it matches, empty if it matches everything."""

    rule: Rule
    criteria: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Rules that were tried on the reports of the last `days`, and the result.

    `previous`: the digest of the rules that were in force then.
    """

    toml: str
    previous: str
    days: int
    result: RulesTrial


_TRIED: ResultCache[Trial] = ResultCache()


@router.get(PATH)
def show(here: Viewer) -> Response:
    """Show the intake rules in force, and the form that tries others."""
    return _page(here)


@router.get(f"{PATH}/history")
def history(who: Viewer) -> Response:
    """Show every activation: when, by whom, why, and what it changed."""
    with who.timed() as (connection, here):
        found = intake_rules.history(connection)
    return here.page(
        "policy/intake_rules_history", history=found[::-1][:MAX_HISTORY],
        more=max(0, len(found) - MAX_HISTORY),
    )  # fmt: skip


@router.post(f"{PATH}/try", dependencies=needs("simulate"))
def try_out(desk: SubmittedWithFiles) -> Response:
    """Try rules on the reports on record, and redirect to the result."""
    desk.authorise("simulate")
    typed = dict(desk.form.fields)
    try:
        typed["toml"] = _text(desk)
        trial = _trial(desk, typed["toml"])
    except InvalidSimulationError as error:
        return _page(desk, wrong=error.told(desk.reader), typed=typed)
    return desk.back(f"{PATH}/trial/{_TRIED.put(desk.by, trial)}")


@router.get(f"{PATH}/trial/{{id_}}")
def trial(here: Viewer, id_: str) -> Response:
    """Show the result of a trial, and the form that activates the rules."""
    here.needs("simulate")
    found = _TRIED.get(here.by, id_)
    if found is None:
        return _page(here, wrong=here.reader.say("rules.gone"), status=404)
    return _tried(here, id_, found)


@router.post(f"{PATH}/trial/{{id_}}/activate", dependencies=needs(ACTION))
def activate(desk: Submitted, id_: str) -> Response:
    """Activate the tried rules for all later reports, with a reason on record."""
    desk.authorise(ACTION)
    found = _TRIED.get(desk.by, id_)
    if found is None:
        return _page(desk, wrong=desk.reader.say("rules.gone"), status=404)
    with desk.reading() as connection:
        now = intake_rules.in_force(connection)["rules"]
    if now not in (found.previous, found.result["rules"]):
        return _tried(desk, id_, found, wrong=desk.reader.say("rules.changed_meanwhile"))
    try:
        reason = inputs.text("reason")(desk.form.text("reason") or "")
        desk.take_quota()
        desk.app.reports.activate_rules(
            found.toml, by=desk.by, login=desk.identity.login, reason=reason,
            key=f"{desk.by}:console:rules:{id_}",
        )  # fmt: skip
    except (InputError, RefusedError) as error:
        return _tried(desk, id_, found, wrong=messages.of_error(desk.reader, error).words)
    return desk.back(PATH, Flash("done", desk.reader.say("rules.activated")))


def _page(
    who: RequestContext, *, wrong: str | None = None, typed: dict[str, str] | None = None,
    status: int = 0,
) -> Response:  # fmt: skip
    with who.timed() as (connection, here):
        active = intake_rules.in_force(connection)
    return here.page(
        "policy/intake_rules", status=status or (422 if wrong else 200), wrong=wrong,
        typed=typed or here.typed, active=active, given=active["toml"],
        rules=_told(here.reader, rules_file.read(active["toml"])), days=DAYS, max_days=MAX_DAYS,
    )  # fmt: skip


def _tried(
    who: RequestContext, id_: str, found: Trial, *, wrong: str | None = None
) -> Response:  # fmt: skip
    with who.timed() as (connection, here):
        active = intake_rules.in_force(connection)
    return here.page(
        "policy/intake_rules_trial", status=422 if wrong else 200, wrong=wrong, typed=here.typed,
        id=id_, trial=found, tried=found.result, given=found.toml, days=found.days,
        rules=_told(here.reader, rules_file.read(found.toml)), max_days=MAX_DAYS,
        is_in_force=active["rules"] == found.result["rules"],
    )  # fmt: skip


def _text(desk: Submission) -> str:
    """The text of the chosen file, or else the typed one; without either there are no rules."""
    sent = desk.form.file("file")
    if sent is None:
        return desk.form.text("toml") or ""
    name = simulation_form.file_name(sent.filename)
    if sent.size is None or sent.size > 4 * rules_file.MAX_CHARACTERS:
        raise InvalidSimulationError("rules.large", name=name)
    try:
        return sent.file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidSimulationError("compare.no_text", name=name) from error


def _trial(desk: Submission, text: str) -> Trial:
    given = half_width(desk.form.text("days") or str(DAYS))
    if not (given.isascii() and given.isdigit() and len(given) < 4 and 1 <= int(given) <= MAX_DAYS):
        raise InvalidSimulationError("rules.bad_days", given=given[:40], most=MAX_DAYS)
    try:
        wanted = rules_file.read(text)
    except RulesError as error:
        raise InvalidSimulationError("rules.wrong", why=error.args[0]) from error
    with desk.reading() as connection:
        previous = intake_rules.in_force(connection)["rules"]
    with simulation_form.slow_work_for(desk.app, desk.by):
        result = desk.app.reports.try_rules(wanted.toml(), days=int(given))
    return Trial(toml=wanted.toml(), previous=previous, days=int(given), result=result)


def _told(reader: Reader, rules: Rules) -> list[ToldRule]:
    return [ToldRule(rule, list(_criteria(reader, rule))) for rule in rules.rules]


def _criteria(reader: Reader, rule: Rule) -> Iterable[str]:
    for key in CRITERIA:
        values = getattr(rule, key)
        if values:
            group = _WORDS.get(key)
            told = values if group is None else [reader.word(group, each) for each in values]
            yield reader.say(f"rules.if.{key}", values=reader.spoken.comma.join(told))
