"""The page of the policy: the active policy as a diagram and in words, its history, and its change.

A person must try a policy on a history before they activate it, so that they have seen the
differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fastapi import APIRouter
from starlette.responses import Response

from incidents.api.caller import address_of
from incidents.console import messages, policy_form, simulation_form
from incidents.console.figures import comparison, layouts
from incidents.console.figures.machine import KINDS, Diagram, Words
from incidents.console.flash import Flash
from incidents.console.forms import SECOND_PASSWORD
from incidents.console.rendering import Reader
from incidents.console.request_context import RequestContext, Viewer, needs
from incidents.console.result_cache import ResultCache
from incidents.console.submission import Submission, Submitted, SubmittedWithFiles
from incidents.contract.documents.policies import Change
from incidents.errors import InputError, RefusedError
from incidents.history import recorded
from incidents.history.comparison import Comparison
from incidents.history.reports import Draw
from incidents.history.trial_process import Source
from incidents.locale.words import policy_differences
from incidents.machine.policy import Policy
from incidents.system.side_process import Spent
from incidents.values import inputs
from incidents.views import register
from incidents.views.case.case_words import policy_sentences

router = APIRouter()

ACTION = "activate_policy"
SPANS = (30, 90, 365)
"""The choices for how many recorded days a policy is tried on."""
MAX_HISTORY = 50
"""The maximum number of activations shown, the latest first."""


_OWN_NAMES = ("new", "decided", "any")
"""What a diagram names that is no state: the beginning, and the frames of its layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A policy that was tried against the policy with the digest `previous`, and the result.

    `days`: how many recorded days it was tried on; None if it was tried on a file.
    """

    policy: Policy
    previous: str
    changes: tuple[Change, ...]
    comparison: Comparison
    days: int | None


_TRIED: ResultCache[Trial] = ResultCache()


@router.get("/policy")
def show(here: Viewer) -> Response:
    """Show the active policy."""
    return _page(here)


@router.post("/policy/try", dependencies=needs("simulate"))
def try_out(desk: SubmittedWithFiles) -> Response:
    """Try a policy on the recorded history or on a file, and redirect to the result."""
    desk.authorise("simulate")
    try:
        with simulation_form.slow_work_for(desk.app, desk.by) as spent:
            trial = _trial(desk, spent)
    except simulation_form.InvalidSimulationError as error:
        field = error.field if isinstance(error, policy_form.WrongNumberError) else None
        return _page(
            desk, wrong=error.told(desk.reader), wrong_number=field, typed=dict(desk.form.fields)
        )
    return desk.back(f"/policy/trial/{_TRIED.put(desk.by, trial)}")


@router.get("/policy/trial/{id_}")
def trial(here: Viewer, id_: str, page: int = 0) -> Response:
    """Show the result of a trial, and the form that activates the policy."""
    here.needs("simulate")
    found = _TRIED.get(here.by, id_)
    if found is None:
        return _page(here, wrong=here.reader.say("compare.gone"), status=404)
    return _tried(here, id_, found, page=page)


@router.post("/policy/trial/{id_}/activate", dependencies=needs("activate_policy"))
def activate(desk: Submitted, id_: str) -> Response:
    """Activate the tried policy, with a reason on record."""
    desk.authorise(ACTION)
    found = _TRIED.get(desk.by, id_)
    if found is None:
        return _page(desk, wrong=desk.reader.say("compare.gone"), status=404)
    wrong = _not_yet(desk, found)
    if wrong is not None:
        return _tried(desk, id_, found, wrong=wrong)
    try:
        reason = inputs.text("reason")(desk.form.text("reason") or "")
        desk.take_quota()
        handle, password = desk.form.text("second"), desk.form.password(SECOND_PASSWORD)
        # Who else signs in for it, in the same form.
        second = None if handle is None else desk.authenticator.identify_second(
            handle, password or "", address_of(desk.request), beside=desk.by,
            code=desk.form.text("second_code"),
        )  # fmt: skip
        answer = desk.app.desk.activate(
            found.policy.toml(), by=desk.by, login=desk.identity.login, reason=reason,
            key=f"{desk.by}:console:policy:{id_}",
            signed_in=desk.identity.proved_at is not None, second=second,
        )  # fmt: skip
    except (InputError, RefusedError) as error:
        return _tried(desk, id_, found, wrong=messages.of_error(desk.reader, error).words)
    flash = desk.reader.say("policy.activated", digest=f"{answer['policy'][:19]}…")
    return desk.back("/policy", Flash("done", flash))


def _page(
    who: RequestContext, *, wrong: str | None = None, wrong_number: str | None = None,
    typed: dict[str, str] | None = None, status: int = 0,
) -> Response:  # fmt: skip
    active = who.app.desk.policy()
    with who.timed() as (connection, here):
        history = register.policy_history(connection)
    return here.page(
        "policy/policy",
        status=status or (422 if wrong else 200),
        wrong=wrong, wrong_number=wrong_number, typed=typed or here.typed, active=active,
        words=sentences(here.reader, active),
        since=history[-1] if history else None, history=history[::-1][:MAX_HISTORY],
        more=max(0, len(history) - MAX_HISTORY), diagrams=diagrams_of(here.reader), kinds=KINDS,
        spans=SPANS, limits=simulation_form.LIMITS, numbers=policy_form.NUMBERS,
        by_numbers=policy_form.MARK,
        given=policy_form.numbers_of(active),
    )  # fmt: skip


def diagrams_of(reader: Reader) -> list[Diagram]:
    """Return the diagrams of the machines in the reader's language."""
    say, word = reader.say, reader.word

    def name_of(state: str) -> str:
        return say(f"policy.state.{state}") if state in _OWN_NAMES else word("state", state)

    words = Words(
        state=name_of, move=lambda trigger: word("move", trigger),
        guard=lambda guard: word("guard", guard),
        case=lambda guard: say("policy.case", guard=guard), comma=reader.spoken.comma,
    )  # fmt: skip
    return [
        Diagram(name, say(f"policy.machine.{name}"), say(f"policy.machine.{name}.told"), words)
        for name in layouts.LAYOUTS
    ]


def _tried(
    here: RequestContext, id_: str, found: Trial, *, page: int = 0, wrong: str | None = None
) -> Response:
    return here.page(
        "policy/policy_trial",
        status=422 if wrong else 200,
        trial=found, words=sentences(here.reader, found.policy), wrong=wrong, typed=here.typed,
        takes_second=here.app.desk.policy().two_people_close, spans=SPANS,
        numbers=policy_form.NUMBERS, by_numbers=policy_form.MARK,
        given=policy_form.numbers_of(found.policy), days=found.days,
        **comparison.facts(here, found.comparison, id_, page),
    )  # fmt: skip


def sentences(reader: Reader, policy: Policy) -> list[str]:
    """Return the rules of a policy as sentences in the reader's language."""
    return [each[reader.language == "zh"] for each in policy_sentences(policy)]


def _trial(desk: Submission, spent: Spent) -> Trial:
    given, reader = desk.form, desk.reader
    active = desk.app.desk.policy()
    by_numbers = policy_form.toml_of(given)
    sent = [] if by_numbers is not None else simulation_form.read_policies(given, "policy")
    pasted = given.text("toml") if by_numbers is None else by_numbers
    if not sent and pasted is None:
        raise simulation_form.InvalidSimulationError("policy.no_file")
    name = reader.say("policy.new")
    if by_numbers is not None:
        policy = policy_form.read_numbers(given, by_numbers, reader)
    elif sent:
        policy = sent[0][1]
    else:
        policy = simulation_form.read_policy(pasted or "", name)
    if policy == active:
        raise simulation_form.InvalidSimulationError("policy.same")
    taken, text = simulation_form.read_taking(given), given.text("days")
    days = next((days for days in SPANS if text == str(days)), None)
    if days is None:
        source: Source = simulation_form.read_history(given, "file", reader)
    else:
        with desk.reading() as connection:
            since = desk.app.now(connection) - timedelta(days=days)
            source = recorded.since(connection, since)
        # Who was not reached then is not reached now, and nothing is drawn.
        taken = simulation_form.Taking(within=None, draw=Draw(reach=0), skip_bad=False)
    named = [(reader.say("compare.active"), active), (name, policy)]
    return Trial(
        policy=policy, previous=active.digest, changes=tuple(policy_differences(active, policy)),
        comparison=simulation_form.compared(source, named, taken, spent), days=days,
    )  # fmt: skip


def _not_yet(desk: Submission, found: Trial) -> str | None:
    """Return why the policy cannot be activated yet, or None."""
    word = desk.reader.say("policy.confirm.word")
    if (desk.form.text("confirm") or "").lower() != word:
        return desk.reader.say("policy.not_confirmed", act=word)
    if desk.form.text("reason") is None:
        return desk.reader.say("policy.no_reason")
    if desk.form.text("second") is not None and not desk.form.password(SECOND_PASSWORD):
        # It is no guess: a page that asked first who they are does not carry another's password.
        return desk.reader.say("policy.second.again")
    if desk.app.desk.policy().digest not in (found.previous, found.policy.digest):
        return desk.reader.say("policy.changed_meanwhile")
    return None
