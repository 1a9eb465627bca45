"""The journal: what a daemon writes in its log; a log that cannot be written stops no clock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from incidents import log
from incidents.clock import read_rfc3339

if TYPE_CHECKING:
    from incidents.desk import Answer

_log = log.logger("daemon")


def say(sentence: str, **facts: Any) -> None:
    """What was done."""
    # A full disk, or a reader that has gone away.
    with contextlib.suppress(OSError, ValueError):
        _log.info(sentence, **facts)


def warn(sentence: str, **facts: Any) -> None:
    """What a person should look at."""
    with contextlib.suppress(OSError, ValueError):
        _log.warning(sentence, **facts)


def cry(sentence: str, **facts: Any) -> None:
    """What keeps the clock from being enforced."""
    with contextlib.suppress(OSError, ValueError):
        _log.error(sentence, **facts)


def decided(answers: Iterable[Answer]) -> int:
    """One line for each thing that the clock has decided; how many there were."""
    n = 0
    for answer in answers:
        for event in answer.document["events"]:
            say("decided", **_facts(answer, event))
            n += 1
    return n


def _facts(answer: Answer, event: dict[str, Any]) -> dict[str, Any]:
    due, at = _moment(event["occurred_at"]), _moment(event["recorded_at"])
    facts = {
        "kind": event["kind"],
        "site": answer.site,
        "site_id": answer.site_id,
        "seq": event.get("seq"),
        "incident": event.get("incident"),
        "rule": event.get("rule"),
        "due": event["occurred_at"],
        "decided_at": event["recorded_at"],
        "late_s": round((at - due).total_seconds(), 3),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _moment(text: str) -> datetime:
    return read_rfc3339(text)
