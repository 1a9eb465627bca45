"""The checker: what operators wrote down, held against the exported record and the rules.

It trusts nothing else: no table, no answer that nobody wrote down, no line of the machine. See
`check` for a record in hand, and `check_database` for a database with its replay and its orders.

    python -m tests.fire.checker EXPORT LEDGER…

judges again what a run that failed has left.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from pathlib import Path

from tests.acceptance.daemons import environment
from tests.fire import incident_rules, outbox, site_rules
from tests.fire import ledger as ledger_files
from tests.fire.history import History
from tests.fire.ledger import Acknowledgement, Intent, Ledger
from tests.fire.outbox import Outbox, Unsettled
from tests.fire.record import DOCUMENTED, Entry, Policy, policy, read
from tests.nursery import Outcome, run

TRIES = 20
"""The number of looks at a record that daemons go on with."""

SHOWN = 20
"""The maximum number of findings in an error."""

_RULES = incident_rules.RULES | site_rules.RULES

Key = tuple[int, int]
"""An entry's site and its place there."""


def check(
    export_lines: Iterable[str | bytes],
    ledgers: Sequence[Ledger],
    *,
    outgoing: Outbox | None = None,
    due_by: datetime | None = None,
) -> list[str]:
    """List what is wrong, a line each; nothing if all is well.

    `export_lines` are those of `incidents audit export`. With `due_by` (UTC), before which
    everything must have been done that fell due, clocks that were missed to the end are found too.
    With `outgoing`, what was ordered and what waits of it is held against the record.
    """
    try:
        entries = list(read(export_lines))
    except (ValueError, KeyError, TypeError) as error:
        return [f"the export cannot be read: {type(error).__name__}: {error}"]
    histories = _histories(entries, outgoing, due_by)
    findings = [*_policies_in_order(entries), *(f for h in histories.values() for f in h.findings)]
    findings += _acts(entries, ledgers)
    if outgoing is not None:
        findings += outbox.findings(entries, outgoing.orders)
        findings += outbox.differences(_unsettled(histories), outgoing.unsettled)
    return findings


def _unsettled(histories: Mapping[int, History]) -> Iterator[Unsettled]:
    """The orders that wait by the record."""
    for site_id, history in histories.items():
        for (number, lane), each in history.orders.waiting.items():
            yield Unsettled(site_id, number, lane, each.kind, each.dead)


def check_database(
    url: str,
    ledgers: Sequence[Ledger],
    *,
    due_by: datetime | None = None,
    env: Mapping[str, str] | None = None,
    keep: Path | None = None,
) -> Counter[str]:
    """Export, replay and check the database; the number of entries of each kind.

    `env` is what the processes that export and replay are given beside the database; `keep` is a
    file that the export is written to, as evidence.

    Raises:
        AssertionError: with the findings.
    """
    exported, outgoing = _of_one_moment(url, env)
    if keep is not None:
        keep.write_bytes(exported)
    lines = exported.splitlines()
    findings = check(lines, ledgers, outgoing=outgoing, due_by=due_by)
    replayed = _incidents(url, env, "audit", "replay")
    if replayed.status != 0:
        said = replayed.stdout + replayed.stderr
        findings.append(f"the replay does not give the tables ({replayed.status}): {said}")
    assert not findings, _told(findings)
    return Counter(entry.kind for entry in read(lines))


def _of_one_moment(url: str, env: Mapping[str, str] | None) -> tuple[bytes, Outbox]:
    """The export, and the outbox that goes with it: a daemon may act between the two looks."""
    for _ in range(TRIES):
        before = outbox.entries(url)
        exported = _incidents(url, env, "audit", "export")
        assert exported.status == 0, f"no export: {exported.stderr}"
        outgoing = outbox.read(url)
        if outbox.entries(url) == before:
            return exported.out, outgoing
    raise AssertionError(f"the record did not stand still in {TRIES} looks")


def _told(findings: Sequence[str]) -> str:
    more = [f"… and {len(findings) - SHOWN} more"] if len(findings) > SHOWN else []
    return "\n".join([f"{len(findings)} findings:", *findings[:SHOWN], *more])


def _incidents(url: str, env: Mapping[str, str] | None, *words: str) -> Outcome:
    return run(words, env=environment(url, env or {}))


# The policies and the sites.


def _policies(entries: Sequence[Entry]) -> dict[str, Policy]:
    return {e.policy: policy(e.data["toml"]) for e in entries if e.kind == "policy_activated"}


def _policies_in_order(entries: Sequence[Entry]) -> list[str]:
    """Every decision is taken under the policy that was activated last."""
    findings, active = [], None
    for entry in entries:
        if entry.kind == "policy_activated":
            if active is not None and entry.data["previous"] != active:
                findings.append(f"{entry}: {entry.data['previous']} was not the active policy")
        elif active is not None and entry.policy != active:
            findings.append(f"{entry}: decided under {entry.policy}, and {active} is active")
        active = entry.policy
    return findings


def _histories(
    entries: Sequence[Entry], outgoing: Outbox | None, due_by: datetime | None
) -> dict[int, History]:
    """Each site's, and the desk's own, told to its end."""
    policies = _policies(entries)
    sites = defaultdict[int, list[Entry]](list)
    for entry in entries:
        sites[entry.site_id].append(entry)
    ordered = defaultdict[int, set[int]](set)
    for order in [] if outgoing is None else outgoing.orders:
        ordered[order.site_id].add(order.site_seq)
    told: dict[int, History] = {}
    for site_id, own in sites.items():
        there = None if outgoing is None else frozenset(ordered[site_id])
        history = told[site_id] = History(there)
        # In the order of their numbers: two sites' transactions may be exported interleaved.
        own.sort(key=lambda entry: entry.site_seq)
        try:
            for entry in own:
                history.take(entry, policies.get(entry.policy, DOCUMENTED), _RULES.get(entry.kind))
            history.end(due_by)
        except (LookupError, AssertionError, TypeError) as error:
            history.findings.append(f"{entry}: impossible here: {type(error).__name__} {error}")
    return told


# What was acknowledged, and what was done.


def _acts(entries: Sequence[Entry], ledgers: Sequence[Ledger]) -> list[str]:
    """No acknowledged act is lost, none is done twice, and nothing is done that nobody asked."""
    there = {(entry.site_id, entry.site_seq): entry for entry in entries}
    findings: list[str] = []
    claimed: dict[Key, str] = {}
    for ledger in ledgers:
        for key, answers in ledger.acknowledgements.items():
            findings += _answered_alike(key, answers)
            findings += _claim(ledger.intents.get(key), answers[0], there, claimed)
    left = [e for e in entries if not e.is_nobodys and (e.site_id, e.site_seq) not in claimed]
    unanswered = [intent for ledger in ledgers for intent in ledger.unacknowledged]
    return findings + _unexplained(left, unanswered)


def _answered_alike(key: str, answers: Sequence[Acknowledgement]) -> list[str]:
    if all(answer == answers[0] for answer in answers):
        return []
    return [f"key {key}: answered in different ways: {answers}"]


def _claim(
    intent: Intent | None,
    answer: Acknowledgement,
    there: Mapping[Key, Entry],
    claimed: dict[Key, str],
) -> list[str]:
    """Find what was answered on record, for this key and no other."""
    if intent is None:
        return [f"key {answer.key}: answered, and never asked"]
    findings = []
    for said in answer.entries:
        place = (said.site_id, said.site_seq)
        found = there.get(place)
        if found is None or (found.kind, found.actor) != (said.kind, said.actor):
            findings.append(f"key {answer.key}: lost: {said} was acknowledged, and is {found}")
        elif place in claimed:
            findings.append(f"key {answer.key}: {found} was answered to {claimed[place]} as well")
        claimed[place] = answer.key
    own = [said for said in answer.entries if said.actor == intent.actor]
    if answer.refusal is not None and own:
        findings.append(f"key {answer.key}: refused ({answer.refusal}), and done: {own}")
    if answer.refusal is None and own and all(said.kind != intent.kind for said in own):
        findings.append(f"key {answer.key}: no {intent.kind} among what was done: {own}")
    return findings


def _unexplained(left: Sequence[Entry], unanswered: Sequence[Intent]) -> list[str]:
    """Each block of entries that no answer names must be the one effect of an unanswered act."""
    findings = []
    waiting = defaultdict[tuple[str, str], list[Intent]](list)
    for each in unanswered:
        waiting[each.site, each.actor].append(each)
    for block in _blocks(left):
        kinds = Counter(entry.kind for entry in block)
        possible = waiting[block[0].site, block[0].actor]
        intent = next((i for i in possible if i.kind in kinds), None)
        if intent is None:
            findings.append(
                f"{block[0]} by {block[0].actor}: done twice, or by nobody: no act without an "
                "answer explains it"
            )
            continue
        possible.remove(intent)
        if kinds[intent.kind] > 1 and not _are_for_several(block, intent.kind):
            findings.append(f"key {intent.key}: done {kinds[intent.kind]} times: {block[0]}")
    return findings


def _blocks(entries: Iterable[Entry]) -> list[list[Entry]]:
    ordered = sorted(entries, key=lambda entry: (entry.site_id, entry.site_seq))
    grouped = groupby(ordered, key=lambda e: (e.site_id, e.actor, e.recorded_at))
    return [list(block) for _, block in grouped]


def _are_for_several(block: Sequence[Entry], kind: str) -> bool:
    """A call for a whole site, and a reinstatement's tasks, are several entries of one act."""
    own = [entry.data for entry in block if entry.kind == kind]
    incidents = {data.get("incident") for data in own}
    return len(incidents) == len(own) and all(data.get("whole_site") for data in own)


if __name__ == "__main__":
    _, export, *files = sys.argv
    with Path(export).open("rb") as lines:
        told = check(lines, [ledger_files.read(Path(file)) for file in files])
    sys.stdout.write("".join(f"{finding}\n" for finding in told))
    sys.exit(1 if told else 0)
