"""The answer to an action, for people, for programs or as ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.cli import next_steps, output
from incidents.contract import effects
from incidents.errors import ActionRefusedError, RefusedError
from incidents.locale import event_sentence, words
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.machine.policy import read as read_policy
from incidents.values.ids import read_incident_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.cli.params import Remarked
    from incidents.cli.run import Run
    from incidents.contract.documents import Hint
    from incidents.contract.documents.actions import Event, Outcome
    from incidents.contract.documents.sites import Incident, Site
    from incidents.desk import Answer


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
    """Write the answer to an action, with further remarks after the desk's.

    People read the events, then the remarks, and at the end the next steps.

    Raises:
        ActionRefusedError: if the desk refused it.
    """
    raise_refusal(run, answer, dry_run=dry_run)
    document = answer.document
    if answer.repeated and not repetition_told:
        run.inform(run.text("answer.repeated"))
    rows: Sequence[Incident | Site] = document["incidents"] or [answer.site_document]
    found, steps = (
        [*remark_sentences(run, answer), *(remark for remark, _ in also)],
        [
            *_remark_steps(run, answer),
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
    """Raise the desk's refusal, after reporting what had fallen due before it.

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


def remark_sentences(run: Run, answer: Answer) -> list[str]:
    """The remarks on an action that took effect, one sentence each."""
    from incidents.locale import refusals

    return [refusals.remark(remark, run.when, run.language) for remark in answer.remarks]


def _remark_steps(run: Run, answer: Answer) -> list[str]:
    """The commands that follow from the remarks."""
    if not answer.remarks:
        return []
    from incidents.contract import refusal_hints

    of = (refusal_hints.of_remark(remark.name, remark.facts) for remark in answer.remarks)
    return [next_steps.next_line(run, hint) for hints in of for hint in hints]


def ids_of(answer: Answer, about: str | None) -> list[str]:
    """The ids that an action created or changed: the input of the next command in a pipe."""
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
    """Return the sentences on the events, and the commands that may follow."""
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
    """The events of an answer; after a loss, the end of a suspension or hold may open no site."""

    def left_down() -> str | None:
        with run.queries() as queries:
            # An older server does not say it.
            site = queries.site(answer.site)
            return site["in_force"] if site.get("stays_down") else None

    in_time = effects.late_on_record(answer.document["incidents"])
    events = effects.made_in_time(answer.document["events"], in_time)
    return effects.as_left_down(events, left_down)


def _hold_warnings(run: Run, site: Site, own: list[Event]) -> list[str]:
    """Warn that nothing takes down a site on which a hold was set, if so."""

    def carries_out() -> bool:
        from incidents.views.health import carries_out

        with run.queries() as queries:
            return carries_out(queries.enforcement())

    if not effects.stays_up(site, own, carries_out):
        return []
    return [run.text("answer.not_down", site=site["site"])]


def _state_sentences(run: Run, wording: words.Wording, site: Site, document: Outcome) -> list[str]:
    """Describe the site and the incidents afterwards, if needed."""
    closed = site["state"] == "closed"
    lines = state_of_site(run, wording, site) if document["incident"] else []
    states = [
        wording.incident_state(incident, site_closed=closed)
        for incident in document["incidents"][:MAX_STATES]
    ]
    return [*lines, *states]


def state_of_site(run: Run, wording: words.Wording, site: Site) -> list[str]:
    """Describe the site: if it is down, or if the next miss closes it (R3)."""
    if site["state"] != "active":
        return [wording.site_state(site)]
    if not site["run"]:
        return []
    try:
        with run.queries() as queries:
            policy = read_policy(queries.active_policy()["toml"])
    except RefusedError:
        # A token may act without being let to look.
        return []
    if site["run"] + 1 < policy.run_count:
        return []
    return [wording.site_state(site), wording.place_in_run(site["run"], policy, site["state"])]


def _somebody_to_call(document: Outcome, own: list[Event]) -> bool:
    waiting = any(i["state"] in ("open", "unreached") for i in document["incidents"])
    return waiting or any(task["task_kind"] == "tell" for task in next_steps.opened_tasks(own))


def _still_suspending(run: Run, site: Site, own: list[Event]) -> list[str]:
    """The incidents that keep a site suspended, after a timely call about another one."""
    if site["suspended_until"] is None or not any(event.get("in_time") for event in own):
        return []
    with run.queries() as queries:
        incidents = queries.site(site["site"])["incidents"]
        unreached = sorted(each["id"] for each in incidents if each["state"] == "unreached")
        keys = {id_: read_incident_id(id_) for id_ in unreached}
        found = {id_: queries.incident(key)["suspension"] or 0 for id_, key in keys.items() if key}
    # An earlier suspension, which is over, keeps nothing down.
    return [id_ for id_, n in found.items() if n == max(found.values())]


def _contact_on_file(run: Run, site: Site) -> str:
    """The contact on file; empty if there is none."""
    refs = (site["person"], site["phone"], site["email"])
    texts = run.app.texts(refs)
    known = [texts[ref] for ref in refs if ref in texts]
    return run.text("list.parts").join(known)


def _split_by_clock(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """Split the events into those of the clock before the action, and the action's own."""
    n = next((i for i, event in enumerate(events) if event["by"] != c.CLOCK), len(events))
    return events[:n], events[n:]


def _clock_sentences(run: Run, wording: words.Wording, events: list[Event]) -> list[str]:
    return [
        run.text("answer.meanwhile", what=event_sentence.sentence(wording, each))
        for each in _split_by_clock(events)[0]
    ]


def wording_of(run: Run, answer: Answer) -> words.Wording:
    """The wording of the events of an answer's site."""
    # A server that refuses does not give the site's id; its events have whole ids.
    return words.Wording(site=answer.site, site_id=answer.site_id or 0, when=run.when)
