"""The output of an action's answer: for people, for programs, or as IDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from incidents.cli import next_steps, output
from incidents.clock import read_rfc3339
from incidents.contract import effects
from incidents.errors import ActionRefusedError, AwayError, RefusedError
from incidents.locale import event_sentence, words
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.machine.policy import read as read_policy
from incidents.values.ids import read_incident_id
from incidents.values.incident_states import UNTOLD

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from incidents.cli.params import Remarked
    from incidents.cli.run import Run
    from incidents.client.queries import RemoteQueries
    from incidents.contract.documents import Hint
    from incidents.contract.documents.actions import Event, Outcome
    from incidents.contract.documents.sites import Incident, Site
    from incidents.desk import Answer
    from incidents.machine.policy import Policy
    from incidents.machine.refusal import Remark
    from incidents.views.queries import Queries

T = TypeVar("T")

# One call for a whole site may be about very many.
MAX_STATES = 10


def write_answer(
    run: Run,
    answer: Answer,
    *,
    dry_run: bool,
    about: str | None = None,
    repetition_told: bool = False,
    also: Sequence[Remarked] = (),
) -> None:
    """Write the answer to an action.

    People read the events first, then the remarks, and at the end the next steps. `also`: further
    remarks, after the desk's own.

    Raises:
        ActionRefusedError: if the desk refused it.
    """
    raise_refusal(run, answer, dry_run=dry_run)
    document = answer.document
    if answer.repeated and not repetition_told:
        run.inform(run.text("answer.repeated"))
    rows: Sequence[Incident | Site] = document["incidents"] or [answer.site_document]
    found, steps = (
        [*remark_sentences(run, answer.remarks), *(remark for remark, _ in also)],
        [
            *remark_steps(run, answer.remarks),
            *(next_steps.next_line(run, hint) for _, hints in also for hint in hints),
        ],
    )
    if output.answer_program(run, document, *ids_of(answer, about), rows=rows):
        run.inform(*found, *steps)
    else:
        lines, fit = _for_people(run, answer, would=dry_run)
        run.write(*lines)
        run.inform(*found)
        run.write(*dict.fromkeys([*steps, *fit]))
    if dry_run:
        run.inform(run.text("answer.dry_run"))


def raise_refusal(run: Run, answer: Answer, *, dry_run: bool = False) -> None:
    """Raise the desk's refusal, after reporting the decisions that were due before the command.

    Raises:
        ActionRefusedError: with the refusal's name, facts and sentence.
    """
    refusal = answer.refusal
    if refusal is None:
        return
    from incidents.contract.case_documents import plain
    from incidents.locale import refusals

    if not run.for_programs and answer.document["events"]:
        wording = wording_of(run, answer)
        run.inform(*_clock_sentences(run, wording, answer.document["events"]))
        if dry_run:
            run.inform(run.text("answer.dry_run"))
    if answer.repeated:
        run.inform(run.text("answer.repeated.refusal"))
    message = refusals.sentence(refusal, run.when, run.language)
    facts = {name: plain(value) for name, value in refusal.facts.items()}
    raise ActionRefusedError(
        message, name=refusal.name, facts=facts, events=answer.document["events"]
    )


def remark_sentences(run: Run, remarks: Sequence[Remark]) -> list[str]:
    """The remarks on an action that took effect, one sentence each."""
    from incidents.locale import refusals

    return [refusals.remark(remark, run.when, run.language) for remark in remarks]


def remark_steps(run: Run, remarks: Sequence[Remark]) -> list[str]:
    """The commands that follow from the remarks."""
    if not remarks:
        return []
    from incidents.contract import refusal_hints

    of = (refusal_hints.of_remark(remark.name, remark.facts) for remark in remarks)
    return [next_steps.next_line(run, hint) for hints in of for hint in hints]


def ids_of(answer: Answer, about: str | None) -> list[str]:
    """The IDs that an action created or changed, as input for the next command in a pipe."""
    document, site = answer.document, answer.site_document
    events = [event for event in document["events"] if event["by"] != c.CLOCK]
    contacts = [event for event in events if event["kind"] == "contact_recorded"]
    if contacts:
        return [event_sentence.contact_id(event) for event in contacts]
    items = [e for e in events if e["kind"] in ("item_claimed", "item_released")]
    if items:
        return [event_sentence.item_id(site["id"], event) for event in items]
    if about is not None:
        return [about]
    if document["incident"] is not None:
        return [document["incident"]["id"]]
    return [site["site"]]


def _for_people(run: Run, answer: Answer, *, would: bool) -> tuple[list[str], list[str]]:
    """Return the sentences about the events, and the commands that can follow."""
    from incidents.contract.hints import do

    document, site, wording = answer.document, answer.site_document, wording_of(run, answer)
    due, own = _split_by_clock(as_left_down(run, answer))
    lines = _clock_sentences(run, wording, due)
    happened = [event_sentence.sentence(wording, e) for e in own]
    lines += [run.text("answer.would", what=each) for each in happened] if would else happened
    if not own:
        lines.append(run.text("answer.nothing"))
    stands = _state_sentences(run, wording, site, document)
    lines += [run.text("answer.would", what=each) for each in stands] if would else stands
    if not would:
        lines += _hold_warnings(run, site, own)
    first: list[Hint] = []
    if any(event.get("outcome") == "wrong-number" for event in own):
        lines.append(run.text("answer.call.wrong"))
        first = [do(c.EditSite, site["site"], phone=None)]
    elif _somebody_to_call(document, own):
        whom = _contact_on_file(run, site)
        lines.append(run.text("answer.call" if whom else "answer.call.nobody", whom=whom))
        first = [] if whom else [do(c.EditSite, site["site"], phone=None)]
    steps = []
    if not would:
        asked_by = site.get("asked_by")
        down = _still_suspending(run, site, own)
        if down:
            names = run.language.comma.join(down)
            lines.append(run.text("answer.rests_on", site=site["site"], names=names))
            first += [do(c.RecordContact, down[0], outcome=REACHED, at=None)]
        fit = [
            *first,
            *next_steps.hints_after(run, site, document, own),
            *next_steps.left_down_hints(site, [*due, *own]),
        ]
        steps = [next_steps.next_line(run, each, asked_by) for each in fit]
    return lines, steps


def as_left_down(run: Run, answer: Answer) -> list[Event]:
    """The events of an answer, changed to show their actual effects.

    After a loss, the end of a suspension or of a hold might not open the site.
    """

    def left_down() -> str | None:
        # An older server does not say it.
        site = _ask(run, lambda queries: queries.site(answer.site))
        return site["in_force"] if site is not None and site.get("stays_down") else None

    events = answer.document["events"]
    in_time = effects.late_on_record(answer.document["incidents"], events)
    events = effects.made_in_time(events, in_time)
    return effects.as_left_down(events, left_down)


def _hold_warnings(run: Run, site: Site, own: list[Event]) -> list[str]:
    """Warn if a hold was set on a site that is up and that nothing takes down."""

    def carries_out() -> bool:
        from incidents.views.health import carries_out

        found = _ask(run, lambda queries: queries.enforcement())
        return found is None or carries_out(found)

    if not effects.stays_up(site, own, carries_out):
        return []
    return [run.text("answer.not_down", site=site["site"])]


def _state_sentences(run: Run, wording: words.Wording, site: Site, document: Outcome) -> list[str]:
    """Describe the state of the site and of the incidents afterwards, if that is needed."""
    lines = state_of_site(run, wording, site) if document["incident"] else []
    # A look at the policy takes time, which is well spent after a call.
    is_call = any(event["kind"] == "contact_recorded" for event in document["events"])
    states = [
        line
        for incident in document["incidents"][:MAX_STATES]
        for line in (
            state_of_incident(run, wording, site, incident)
            if is_call
            else [wording.incident_state(incident, site_closed=site["state"] == "closed")]
        )
    ]
    return [*lines, *states]


def state_of_incident(
    run: Run, wording: words.Wording, site: Site, incident: Incident
) -> list[str]:
    """Describe the incident, and if its clock is active what its deadline needs and does."""
    closed = site["state"] == "closed"
    lines = [wording.incident_state(incident, site_closed=closed)]
    due, key = incident["contact_due"], read_incident_id(incident["id"])
    policy = None if closed or incident["state"] != "open" or due is None else _policy(run)
    if policy is None or due is None or key is None:
        return lines
    if policy.min_attempts:
        made = sum(
            not each["voided"] and read_rfc3339(each["occurred_at"]) <= read_rfc3339(due)
            for each in incident["contacts"]
        )
        lines.append(wording.say("incident.attempts", made=made, least=policy.min_attempts))
    if site["run"] + 1 < policy.run_count and _closes(run, key):
        lines.append(wording.say("incident.closes"))
    return lines


def _closes(run: Run, incident: tuple[int, int]) -> bool:
    """Whether a miss of the incident closes its site (R3): judged at its own deadline."""
    item = _ask(run, lambda queries: queries.item((incident[0], str(incident[1]))))
    return item is not None and item["kind"] == "call" and item["warning"] is not None


def _policy(run: Run) -> Policy | None:
    """The active policy; None if it cannot be looked up (see `_ask`)."""
    toml = _ask(run, lambda queries: queries.policy_toml())
    return None if toml is None else read_policy(toml)


def state_of_site(run: Run, wording: words.Wording, site: Site) -> list[str]:
    """Describe the site if it is down, or if the next miss closes it (R3)."""
    if site["state"] != "active":
        return [wording.site_state(site)]
    policy = _policy(run) if site["run"] else None
    if policy is None or site["run"] + 1 < policy.run_count:
        return []
    return [wording.site_state(site), wording.place_in_run(site["run"], policy, site["state"])]


def _ask(run: Run, query: Callable[[Queries | RemoteQueries], T]) -> T | None:
    """The answer to a query after an action; None if the caller may not ask, or nobody answers.

    The action took effect, and its answer must be shown.
    """
    try:
        with run.queries() as queries:
            return query(queries)
    except (RefusedError, AwayError):
        return None


def _somebody_to_call(document: Outcome, own: list[Event]) -> bool:
    waiting = any(i["state"] in UNTOLD for i in document["incidents"])
    return waiting or any(task["task_kind"] == "tell" for task in next_steps.opened_tasks(own))


def _still_suspending(run: Run, site: Site, own: list[Event]) -> list[str]:
    """The incidents that keep the site suspended after a timely call about another incident."""
    if site["suspended_until"] is None or not any(event.get("in_time") for event in own):
        return []

    def suspensions(queries: Queries | RemoteQueries) -> dict[str, int]:
        incidents = queries.site(site["site"])["incidents"]
        unreached = sorted(each["id"] for each in incidents if each["state"] == "unreached")
        keys = {id_: read_incident_id(id_) for id_ in unreached}
        return {id_: queries.incident(key)["suspension"] or 0 for id_, key in keys.items() if key}

    found = _ask(run, suspensions) or {}
    # An earlier suspension, which is over, keeps nothing down.
    return [id_ for id_, n in found.items() if n == max(found.values())]


def _contact_on_file(run: Run, site: Site) -> str:
    """The contact details of the site; empty if there are none."""
    refs = (site["person"], site["phone"], site["email"])
    texts = run.app.texts(refs)
    known = [texts[ref] for ref in refs if ref in texts]
    return run.text("list.parts").join(known)


def _split_by_clock(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """Split the events into decisions that were due before, and the action's own events."""
    n = next((i for i, event in enumerate(events) if event["by"] != c.CLOCK), len(events))
    return events[:n], events[n:]


def _clock_sentences(run: Run, wording: words.Wording, events: list[Event]) -> list[str]:
    return [
        run.text("answer.meanwhile", what=event_sentence.sentence(wording, each))
        for each in _split_by_clock(events)[0]
    ]


def wording_of(run: Run, answer: Answer) -> words.Wording:
    """The wording of events of the answer's site."""
    # A server that refuses does not give the site's id; its events have whole ids.
    return words.Wording(site=answer.site, site_id=answer.site_id or 0, when=run.when)
