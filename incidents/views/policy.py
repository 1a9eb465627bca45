"""The policy, as views need it: the numbers in force, and which were active before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.machine import policy
from incidents.machine.policy import DOCUMENTED, Policy
from incidents.store.desk import policies

if TYPE_CHECKING:
    from incidents.contract.documents.policies import Activation
    from incidents.contract.documents.policies import Policy as ActivePolicy


Document = dict[str, Any]


def policy_in_force(connection: Connection) -> Policy:
    """The active policy."""
    return policy.read(policies.active_toml(connection))


def active_policy(connection: Connection) -> ActivePolicy:
    """The active policy: in words, as its file, since when it is active and by whose act."""
    from incidents.locale.words import policy_sentences

    active, past = policy_in_force(connection), policy_history(connection)
    return {
        "policy": active.digest, "toml": active.toml(), "numbers": active.document(),
        "words": policy_sentences(active), "activation": past[-1] if past else None,
    }  # fmt: skip


def policy_history(connection: Connection) -> list[Activation]:
    """Every activation on record, the earliest first, with what it changed.

    Raises:
        UnreadableEntryError: of an entry that the desk has not written.
    """
    from incidents.audit.replay import periods
    from incidents.locale.words import policy_differences
    from incidents.views import personal

    found = list(periods.history(connection))
    words = personal.personal_texts(connection, [each.reason for each in found])
    steps = pairwise([DOCUMENTED, *(policy.read(each.toml) for each in found)])
    return [
        {
            "policy": each.policy, "previous": each.previous, "activated_at": rfc3339(each.at),
            "by": each.by, "login": each.login,
            "seconded_by": each.seconded_by, "reason": words.get(each.reason),
            "toml": each.toml, "changes": policy_differences(*step),
        }
        for each, step in zip(found, steps, strict=True)
    ]  # fmt: skip
