"""The batch: commands that one transaction decides one after another, with their results.

The sites of the batch are already locked (see `locks`). The batch reads the cases of these sites,
decides the commands, and writes everything at once. A refusal affects only its own command.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.contract.case_documents import event_document, incident_document, site_document
from incidents.desk.access import Access
from incidents.desk.envelope import (
    Answer,
    Envelope,
    join_answers,
    refused_answer,
    remark_documents,
)
from incidents.desk.locks import BatchLocks
from incidents.desk.repetition import (
    Repetitions,
    order_of_hold,
    refused_as_done,
    with_remarks,
    would_close,
)
from incidents.desk.text import refused_text
from incidents.desk.unit_of_work import SiteWork, UnitOfWork
from incidents.machine.actions import orders
from incidents.machine.case import Case
from incidents.machine.commands import (
    AddSite,
    ChangeFiling,
    ClaimItem,
    Command,
    CompleteTask,
    Elapse,
    Log,
    OrderCommand,
    ReleaseItem,
)
from incidents.machine.decide import Decision, decide
from incidents.machine.policy import Policy
from incidents.machine.refusal import Refusal
from incidents.machine.rules import unreachable_rules
from incidents.record.sealing import seal_command
from incidents.store.cases import sites
from incidents.values.ids import incident_id, item_id, order_id, task_id

if TYPE_CHECKING:
    from incidents.contract.documents.actions import Outcome

_ELAPSE = Elapse()


class Batch:
    """The commands of one transaction, decided under `policy` at `now`.

    `sender_now`: the time on the machine that sent the commands. Both times are in UTC.
    """

    def __init__(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        locked: BatchLocks,
        policy: Policy,
        now: datetime,
        *,
        sender_now: datetime,
    ) -> None:
        self._connection = connection
        self._envelopes = envelopes
        self._policy = policy
        self._now = now
        self._repetitions = Repetitions(locked.kept, now)
        self._access = Access(connection, policy, now)
        self._searched = False
        self._work = UnitOfWork(
            connection, envelopes, locked.rows, policy, now, sender_now=sender_now
        )

    def decide_all(self) -> list[Answer]:
        """Decide the commands in order; the caller must then call `write`."""
        answers = [self._answer(envelope) for envelope in self._envelopes]
        for envelope, answer in zip(self._envelopes, answers, strict=True):
            self._access.note_denial(envelope, answer)
        return answers

    def decide_also(self, envelopes: Sequence[Envelope]) -> list[Answer]:
        """Decide further commands, without keys, on the same sites."""
        return [self._decide(envelope) for envelope in envelopes]

    def decide_due(self) -> list[Answer]:
        """Decide what is due on all locked sites; the caller must then call `write`."""
        return [self._decide_on(site, _ELAPSE, None)[0] for site in self._work.sites]

    def write(self) -> None:
        """Write the results of the commands.

        Raises:
            IntegrityError: if a key was used by another transaction at the same moment.
        """
        self._work.write()
        self._repetitions.write(self._connection)

    def write_denials(self) -> None:
        """Count the refused permissions; the rows of the sites must already be locked."""
        self._access.write(lambda: self._now)

    def _answer(self, envelope: Envelope) -> Answer:
        """The answer to one command; for a key that was already used, the original answer."""
        if envelope.key is None:
            return self._decide(envelope)
        before = self._repetitions.before(envelope, self._work.name(envelope))
        if isinstance(before, Refusal):
            return self._refuse(envelope, before)
        if before is not None:
            return before
        answer = self._decide(envelope)
        self._repetitions.keep(envelope, self._work.name(envelope), answer)
        return answer

    def _decide(self, envelope: Envelope) -> Answer:
        envelope = self._work.with_clamped_times(envelope)
        bad = refused_text(envelope.command) or self._access.refused(envelope)
        if bad is not None:
            return self._refuse(envelope, bad)
        site = self._site_of(envelope)
        if site is None:
            return refused_answer(str(envelope.site), self._unknown(envelope))
        bad = self._access.refused_on(envelope, site.case)
        if bad is not None:
            return self._refuse(envelope, bad)
        if envelope.seen is not None:
            due, _ = self._decide_on(site, _ELAPSE, None)
            of_another = envelope.seen_of not in {None, site.case.site_id}
            if of_another or site.case.seq != envelope.seen:
                # What was due is shown with the refusal: it may be all that has changed.
                moved = Refusal("changed_meanwhile", {"site": site.case.site})
                return replace(due, refusal=moved)
        if isinstance(envelope.command, ChangeFiling):
            return self._change_filing(site, envelope.command, envelope.login)
        bad = self._caution(site.case, envelope)
        if bad is not None:
            return self._refuse_on(site, bad)
        meant = orders.releasing_command(site.case, envelope.command)
        return self._seal_and_decide(site, meant, envelope.login)

    def _caution(self, case: Case, envelope: Envelope) -> Refusal | None:
        if envelope.unless_closing:
            return would_close(case, envelope.command, self._policy, self._now)
        return order_of_hold(case, envelope.command)

    def _seal_and_decide(self, site: SiteWork, asked: Command, login: str | None) -> Answer:
        command, words = seal_command(asked)
        answer, acted = self._decide_on(site, command, login)
        bad = refused_as_done(self._connection, site.case, command, answer.refusal)
        if bad is not answer.refusal:
            answer = replace(answer, refusal=bad)
        if acted:
            self._work.seal(site, words, answer.events[-1].recorded_at)
            answer = replace(answer, texts={ref: text for ref, _, text in words})
            if isinstance(command, ChangeFiling):
                self._work.filings.keep(words)
        return answer

    def _change_filing(self, site: SiteWork, command: ChangeFiling, login: str | None) -> Answer:
        """Change a filing, then record each detail that looks false to an automatic check."""
        changed = self._work.filings.real_changes(command, site.case)
        # The command itself was checked before; only its parts have become details.
        bad = refused_text(changed) if command.parts else None
        if bad is not None:
            return self._refuse_on(site, bad)
        before = site.case.details
        answer = self._seal_and_decide(site, changed, login)
        if answer.refusal is None:
            for suspicion in self._work.filings.suspicions(changed, before, site.case, self._now):
                answer = join_answers(answer, self._decide_on(site, suspicion, None)[0])
        return answer

    def _refuse(self, envelope: Envelope, refusal: Refusal) -> Answer:
        """Refuse a command without reading a case.

        Anything that is due on the site is decided first.
        """
        site = self._work.site(envelope)
        if site is None or site.case.created_at is None:
            return refused_answer(self._work.name(envelope), refusal, self._work.site_id(envelope))
        return self._refuse_on(site, refusal)

    def _refuse_on(self, site: SiteWork, refusal: Refusal) -> Answer:
        """Refuse a command on a site in the register.

        Anything that is due on the site is decided first.
        """
        answer, _ = self._decide_on(site, _ELAPSE, None)
        return replace(answer, refusal=refusal)

    def _site_of(self, envelope: Envelope) -> SiteWork | None:
        """The site of the command, if it is in the register or about to be added."""
        site = self._work.site(envelope)
        if site is None or isinstance(envelope.command, AddSite):
            return site
        return None if site.case.created_at is None else site

    def _decide_on(
        self, site: SiteWork, command: Command, login: str | None
    ) -> tuple[Answer, bool]:
        """Decide the command on the present case.

        Return the answer, and whether the command took effect.
        """
        decision = with_remarks(decide(site.case, command, self._policy, self._now), command)
        first_seq = site.case.seq + 1
        site.case = decision.case
        site.events += decision.events
        own = len(decision.events) - decision.due
        site.logins += [*[None] * decision.due, *[login] * own]
        answer = Answer(
            site=site.case.site,
            site_id=site.case.site_id,
            refusal=decision.refusal,
            make_document=partial(_document, decision, command, first_seq, self._policy),
            events=decision.events,
            first_seq=first_seq,
            remarks=decision.remarks,
        )
        return answer, own > 0

    def _unknown(self, envelope: Envelope) -> Refusal:
        """The refusal for an unknown site, with the nearest names if they were looked up."""
        site, command = envelope.site, envelope.command
        if isinstance(site, str):
            # One search for names in a batch: it takes long, and locks are held meanwhile.
            logs = {"logs": True} if isinstance(command, Log) else {}
            if self._searched:
                facts = {"site": site, "nearest": (), "searched": False, **logs}
                return Refusal("unknown_site", facts)
            self._searched = True
            near = sites.nearest(self._connection, site)
            return Refusal("unknown_site", {"site": site, "nearest": near, **logs})
        incident = getattr(command, "incident", None)
        if incident is not None:
            return Refusal("unknown_incident", {"incident": incident_id(site, incident)})
        if isinstance(command, CompleteTask):
            return Refusal("unknown_task", {"task": task_id(site, command.task)})
        if isinstance(command, OrderCommand):
            return Refusal("unknown_order", {"order": order_id(site, command.order, command.lane)})
        if isinstance(command, ClaimItem | ReleaseItem):
            return Refusal("unknown_item", {"item": item_id(site, command.item)})
        return Refusal("unknown_site", {"site": str(site), "nearest": ()})


def _document(decision: Decision, command: Command, first_seq: int, policy: Policy) -> Outcome:
    """The state after the command: the site, the incidents that changed, and the events."""
    case = decision.case
    touched = list(decision.touched)
    named = getattr(command, "incident", None)
    if decision.refusal is None and not touched and named in case.incidents:
        touched = [named]
    documents = [incident_document(case, case.incidents[n]) for n in touched]
    return {
        "site": site_document(case, unreachable_rules.run(case, policy)),
        "incident": documents[0] if documents else None,
        "incidents": documents,
        "events": [
            event_document(case.site_id, event, seq)
            for seq, event in enumerate(decision.events, start=first_seq)
        ],
        "remarks": remark_documents(decision.remarks),
    }
