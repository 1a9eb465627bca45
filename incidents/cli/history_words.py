"""What people are told of the record's history, on top of the queue and by `daemon status`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents.words import Document, When


def told(history: Document, when: When) -> list[str]:
    """What is to be told of it, the worst first."""
    return [words(history, when) for kind, words in WORDS.items() if history.get(f"{kind}_since")]


def _halted(history: Document, when: When) -> str:
    """That no site is taken down or opened."""
    return (
        f"NOTHING IS CARRIED OUT, known {when.ago(history['halted_since'])}: the daemon's log says"
        " why; once you know which copy of the database is the true one, there: incidents recover"
        " --reason R"
    )


def _lost(history: Document, when: When) -> str:
    """That what was decided lately may be on no record any more."""
    return (
        f"THE RECORD HAS LOST ITS END, known {when.ago(history['lost_since'])}: what was recorded"
        " before may be missing. See what: incidents audit status; once you know: incidents recover"
        " --reason R"
    )


def _moved(history: Document, when: When) -> str:
    """That what was decided lately may be missing, though nobody knows of anything."""
    return (
        f"ANOTHER SERVER HAS TAKEN OVER, known {when.ago(history['moved_since'])}: what it had not"
        " heard of, if anything, is lost. See more: incidents audit status"
    )


def _unsigned(history: Document, when: When) -> str:
    """That nobody could prove what is recorded now."""
    return (
        f"NOT SIGNED, known {when.ago(history['unsigned_since'])}: entries wait for a signature."
        " See why: incidents audit status"
    )


def _unproved(history: Document, when: When) -> str:
    """That sites may not be as the record says."""
    began = when.ago(history["unproved_since"])
    return f"the world is being compared with the record; it began {began}"


WORDS: dict[str, Callable[[Document, When], str]] = {
    "halted": _halted, "lost": _lost, "moved": _moved, "unsigned": _unsigned, "unproved": _unproved,
}  # fmt: skip
"""By what is so, as `views.warnings` calls it, the worst first."""
