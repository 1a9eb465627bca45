"""The answer to an act, for people, for programs or as ids, with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from incidents.cli import output
from incidents.contract import aftermath
from incidents.errors import ActRefusedError
from incidents.locale import event_sentence, words
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.values.ids import read_item_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.cli.params import Remarked
    from incidents.cli.run import Run
    from incidents.contract.documents import Hint
    from incidents.contract.documents.acts import Event, Outcome, TaskOpened
    from incidents.contract.documents.sites import Incident, Site
    from incidents.desk import Answer


RECHECK = "recheck"
"""As in `machine.work`, which takes long to load."""

# One call for a whole site may be about very many.
MAX_STATES = 10


def give(
    run: Run,
    answer: Answer,
    *,
    dry_run: bool,
    about: str | None = None,
    repetition_told: bool = False,
    also: Sequence[Remarked] = (),
) -> None:
    """Write the answer to an act, with remarks beside those of the desk; raises ActRefusedError.

    People read what happened, then the remarks, and at the end what to do next.
    """
    raise_refusal(run, answer, dry_run=dry_run)
    document = answer.document
    if answer.repeated and not repetition_told:
        run.tell(run.text("answer.repeated"))
    rows: Sequence[Incident | Site] = document["incidents"] or [answer.site_document]
    found, steps = (
        [*remarks(run, answer), *(remark for remark, _ in also)],
        [
            *_after_remarks(run, answer),
            *(next_line(run, hint) for _, hints in also for hint in hints),
        ],
    )
    if output.answered(run, document, *ids_of(answer, about), rows=rows):
        run.tell(*found, *steps)
    else:
        lines, fit = _for_people(run, answer, would=dry_run)
        run.say(*lines)
        run.tell(*found)
        run.say(*dict.fromkeys([*steps, *fit]))
    if dry_run:
        run.tell(run.text("answer.dry_run"))


def raise_refusal(run: Run, answer: Answer, *, dry_run: bool = False) -> None:
    """Raise what the desk has refused, after telling what had fallen due before it.

    Raises:
        ActRefusedError: with the refusal's name, facts and sentence.
    """
    refusal = answer.refusal
    if refusal is None:
        return
    from incidents.contract.case_documents import plain
    from incidents.locale import refusals

    if not run.for_programs and answer.document["events"]:
        wording = wording_of(run, answer)
        run.tell(*_meanwhile(run, wording, answer.document["events"]))
        if dry_run:
            run.tell(run.text("answer.dry_run"))
    if answer.repeated:
        run.tell(run.text("answer.repeated.refusal"))
    message = refusals.sentence(refusal, run.when, run.language)
    facts = {name: plain(value) for name, value in refusal.facts.items()}
    raise ActRefusedError(message, name=refusal.name, facts=facts, events=answer.document["events"])


def remarks(run: Run, answer: Answer) -> list[str]:
    """What the person should know of an act that took effect, one sentence each."""
    from incidents.locale import refusals

    return [refusals.remark(remark, run.when, run.language) for remark in answer.remarks]


def _after_remarks(run: Run, answer: Answer) -> list[str]:
    """What to do about a remark, as commands."""
    if not answer.remarks:
        return []
    from incidents.contract import ways_out

    of = (ways_out.of_remark(remark.name, remark.facts) for remark in answer.remarks)
    return [next_line(run, hint) for hints in of for hint in hints]


def ids_of(answer: Answer, about: str | None) -> list[str]:
    """The ids that an act made or changed: what the next command in a pipe takes."""
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
    """What happened, and what to do next."""
    from incidents.contract.hints import do

    document, site, wording = answer.document, answer.site_document, wording_of(run, answer)
    due, own = _parted(as_left_down(run, answer))
    lines = _meanwhile(run, wording, due)
    happened = [event_sentence.sentence(wording, e) for e in own]
    lines += [run.text("answer.would", what=each) for each in happened] if would else happened
    if not own:
        lines.append(run.text("answer.nothing"))
    lines += _as_it_stands(wording, site, document)
    if not would:
        lines += _not_down_yet(run, site, own)
    first: list[Hint] = []
    if _somebody_to_call(document, own):
        whom = _whom(run, site)
        lines.append(run.text("answer.call" if whom else "answer.call.nobody", whom=whom))
        first = [] if whom else [do(c.EditSite, site["site"], phone=None)]
    steps = []
    if not would:
        asked_by = site.get("asked_by")
        down = _still_resting(run, site, own)
        if down:
            names = run.language.comma.join(down)
            lines.append(run.text("answer.rests_on", site=site["site"], names=names))
            first += [do(c.RecordContact, down[0], outcome=REACHED, at=None)]
        fit = [*first, *_next(run, site, document, own), *_of_left_down(site, [*due, *own])]
        steps = [next_line(run, each, asked_by) for each in fit]
    return lines, steps


def as_left_down(run: Run, answer: Answer) -> list[Event]:
    """What was done, where the end of a suspension or of a hold does not open its site: a loss has
    left it down."""

    def left_down() -> str | None:
        with run.looking() as looks:
            # A server of before does not say it.
            site = looks.site(answer.site)
            return site["in_force"] if site.get("stays_down") else None

    in_time = aftermath.late_on_record(answer.document["incidents"])
    events = aftermath.made_in_time(answer.document["events"], in_time)
    return aftermath.as_left_down(events, left_down)


def _not_down_yet(run: Run, site: Site, own: list[Event]) -> list[str]:
    """That nothing takes a site down now on which a hold was set, where that is so."""

    def carries_out() -> bool:
        from incidents.views.health import carries_out

        with run.looking() as looks:
            return carries_out(looks.enforcement())

    if not aftermath.stays_up(site, own, carries_out):
        return []
    return [run.text("answer.not_down", site=site["site"])]


def _as_it_stands(wording: words.Wording, site: Site, document: Outcome) -> list[str]:
    """How the site and the incidents stand afterwards, where that needs saying."""
    closed = site["state"] == "closed"
    noteworthy = site["state"] != "active" or site["run"] >= 2
    lines = [wording.site_state(site)] if noteworthy and document["incident"] else []
    states = [
        wording.incident_state(incident, site_closed=closed)
        for incident in document["incidents"][:MAX_STATES]
    ]
    return [*lines, *states]


def _somebody_to_call(document: Outcome, own: list[Event]) -> bool:
    waiting = any(i["state"] in ("open", "unreached") for i in document["incidents"])
    return waiting or any(task["task_kind"] == "tell" for task in _opened(own))


def _still_resting(run: Run, site: Site, own: list[Event]) -> list[str]:
    """The incidents that keep the site suspended after a call that was in time, but recorded late,
    for another of them."""
    if site["state"] != "suspended" or not any(event.get("in_time") for event in own):
        return []
    with run.looking() as looks:
        incidents = looks.site(site["site"])["incidents"]
    return sorted(each["id"] for each in incidents if each["state"] == "unreached")


def _opened(own: list[Event]) -> list[TaskOpened]:
    return [cast("TaskOpened", event) for event in own if event["kind"] == "task_opened"]


def _next(run: Run, site: Site, document: Outcome, own: list[Event]) -> list[Hint]:
    """What can be done next: first the tasks that the act has opened."""
    from incidents.contract import next_steps
    from incidents.contract.hints import look

    kinds = {event["kind"] for event in own}
    if "closure_asked" in kinds:
        return next_steps.to_closure(site["site"])
    if "reinstatement_asked" in kinds:
        return next_steps.to_reinstatement(site["site"])
    opened = _opened(own)
    if any(task["task_kind"] == "suspicion" for task in opened):
        # Somebody looks before it is done with.
        return [look("check_filing", site["site"])]
    found = [
        next_steps.to_task(t["task"], t["task_kind"]) for t in opened if t["task_kind"] != RECHECK
    ]
    if "closure_disputed" in kinds:
        found = next_steps.to_dispute(
            site["site"], held=site["held"], asked_by=site.get("asked_by")
        )
    if document["incident"] is not None:
        found += next_steps.after(document["incident"], site)
    rechecks = [task["task"] for task in opened if task["task_kind"] == RECHECK]
    # A recheck is completed last, once somebody has said whether the content is gone.
    for hint in _of_rechecks(run, rechecks):
        if hint not in found:
            found.append(hint)
    return found


def _of_rechecks(run: Run, tasks: list[str]) -> list[Hint]:
    """What the queue proposes for those rechecks."""
    if not tasks:
        return []
    with run.looking() as looks:
        items = [looks.item(key) for task in tasks if (key := read_item_id(task)) is not None]
    return [hint for item in items if item is not None for hint in item["hints"]]


def _of_left_down(site: Site, events: list[Event]) -> list[Hint]:
    """What can be done where one of the events has not opened a site that a loss has left down."""
    from incidents.contract import next_steps
    from incidents.contract.hints import look

    left = {event.get("left_down") for event in events}
    if "closed" in left:
        return next_steps.to_left_closed(site["site"], suspended=site["state"] == "suspended")
    return [look("why", site["site"])] if left - {None} else []


def _whom(run: Run, site: Site) -> str:
    """Who is to be called, and how; empty if nobody is on file."""
    refs = (site["person"], site["phone"], site["email"])
    texts = run.house.texts(refs)
    known = [texts[ref] for ref in refs if ref in texts]
    return ", ".join(known)


def _parted(events: list[Event]) -> tuple[list[Event], list[Event]]:
    """What was due before the act, done by the clock; and what the act did."""
    n = next((i for i, event in enumerate(events) if event["by"] != c.CLOCK), len(events))
    return events[:n], events[n:]


def _meanwhile(run: Run, wording: words.Wording, events: list[Event]) -> list[str]:
    return [
        run.text("answer.meanwhile", what=event_sentence.sentence(wording, each))
        for each in _parted(events)[0]
    ]


def wording_of(run: Run, answer: Answer) -> words.Wording:
    """Who tells what was done to the site of an answer."""
    # A server that refuses does not tell the site's id; its events have whole ids.
    return words.Wording(site=answer.site, site_id=answer.site_id or 0, when=run.when)


_ANOTHERS = (c.ConfirmClosure, c.Approve, c.Decline)
"""What whoever asked may not do: it is the other person's of two."""


def next_line(run: Run, hint: Hint, asked_by: str | None = None) -> str:
    """A line that says what can be done next, and who may do it."""
    return run.text("answer.next", step=next_step(run, hint, asked_by))


def next_step(run: Run, hint: Hint, asked_by: str | None = None) -> str:
    """The command, and who may give it; `asked_by` asked for what waits for a second person."""
    from incidents.contract.hints import action_of, right_of, typed

    action = action_of(hint)
    another = action is not None and action.command in _ANOTHERS and asked_by is not None
    who = [run.text("who.another", by=asked_by)] if another else []
    who += _who_may(run, right_of(hint))
    # As a remark of the shell: the whole line can be typed.
    return f"{typed(hint)}  # {run.text('list.semicolon').join(who)}" if who else typed(hint)


def _who_may(run: Run, right: str | None) -> list[str]:
    """Who may do it, if not every operator may."""
    from incidents.accounts import identity
    from incidents.locale import refusals

    if right is None or identity.may("operator", right):
        return []
    return [run.text("who.role", who=refusals.roles_for(right, run.language))]
