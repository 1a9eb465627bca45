"""The labels: every value that one can have, so that no metric grows with what is on record."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import get_args

from incidents.accounts.identity import Why
from incidents.desk.access import NOT_LET
from incidents.machine import events
from incidents.machine.orders import ACT, DESK, NOTICE
from incidents.record import own_acts

Decision = tuple[str, str]
"""The kind of an entry, and the rule that was its reason."""

NONE, OTHER = "none", "other"
"""No such thing has to do with it; what this program does not know, a newer one's say."""

LANES = (ACT, NOTICE, DESK)
OUTCOMES = ("delivered", "retry", "failed", "skipped")
"""What can come of one attempt to carry an order out (see `acts.port`)."""

WORK = (
    "call", "keep_calling", "tell", "check_removal", "recheck", "disputed", "reinstatement",
    "review", "closure", "file", "show_number", "suspicion", "footer",
)  # fmt: skip
"""The kinds of items in the desk's queue (see `machine.work`)."""

RESULTS = ("ok", "wrong_password", "no_account", "disabled", "unknown_subject")
"""What comes of a sign-in (see `accounts.sign_in_log`)."""

_STRANGERS = ("no_account", "unknown_subject")
REASONS = tuple(
    sorted({*get_args(Why), *NOT_LET.values(), *_STRANGERS, "csrf", "blocked", "provider_word"})
)
"""Why somebody is not let do something; of a sign-in `blocked`, after too many mistakes,
`provider_word`, for an answer of no use, or why nobody knows who they are."""

_RULED = {
    "clock_lapsed": ("unreachable",),
    "site_suspended": ("unreachable",),
    "suspension_ended": ("unreachable",),
    "incident_refused": ("refusal",),
    "site_closed": ("repeat", "unreachable_run", "false_info", "refusal"),
}

DECISIONS = tuple(
    (kind, rule)
    for kind in sorted(events.KINDS | own_acts.KINDS)
    for rule in _RULED.get(kind, (NONE,))
)
"""Each kind of entry with each rule that can be its reason (R1 … R5, by their codes)."""


def within(value: str, known: Collection[str]) -> str:
    """The value, if it is known."""
    return value if value in known else OTHER


def counted(rows: Iterable[tuple[str, int]], known: Iterable[str]) -> dict[str, int]:
    """Counts by a label: each value that is known, 0 without any, and the others as one."""
    counts = dict.fromkeys(known, 0)
    for value, count in rows:
        label = within(value, counts)
        counts[label] = counts.get(label, 0) + count
    return counts


def decision(kind: str, rule: str | None) -> Decision:
    """The labels of an entry."""
    found = kind, rule or NONE
    return found if found in _DECISIONS else (OTHER, OTHER)


_DECISIONS = frozenset(DECISIONS)
