"""The group commit: commands that arrive while the desk is writing share its next transaction.

Writing to disk costs the same for one command as for many, and so does most of the work of a
transaction. A SQLite file has only one writer at a time. A PostgreSQL server has many writers, so
there a shared transaction waits at most `LOCK_TIMEOUT` for a lock; after that, each command is
processed alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from incidents.desk.envelope import Answer, Envelope
from incidents.desk.locks import LockTimeoutError
from incidents.errors import DatabaseError
from incidents.log import logger
from incidents.system.group_commit import GroupCommit

if TYPE_CHECKING:
    from incidents.desk.desk import Desk

LOCK_TIMEOUT = timedelta(milliseconds=50)
"""The longest wait for a lock that another transaction holds."""

_log = logger("desk")

# After one of these nothing was done, perhaps because of a single command. After any other the
# database failed, and it is unknown what it had done.
_UNDONE = (DataError, IntegrityError, ProgrammingError)


class DeskGroupCommit:
    """Submits the commands of many threads to the desk, in the order of arrival.

    The group commit has no thread of its own: one of the waiting threads does the work for all. No
    thread gets an answer before its command is committed, so nothing is lost when the process ends;
    the process only needs to wait for its threads.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rounds: GroupCommit[Sequence[Envelope], list[Answer | None]] = GroupCommit(
            self._round
        )

    def submit(self, envelope: Envelope) -> Answer:
        """Submit the command, and return the answer that `Desk.submit` would give for it alone.

        Raises:
            DatabaseError: if the database fails.
        """
        [answer] = self.submit_together([envelope])
        return self.submit_alone(envelope) if answer is None else answer

    def submit_together(self, envelopes: Sequence[Envelope]) -> list[Answer | None]:
        """Submit commands that arrive at the same moment, and return their answers.

        The answer is None for each command that needs `submit_alone`.

        Raises:
            DatabaseError: if the database fails.
        """
        answers = self._rounds.take(envelopes)
        assert answers is not None, "whoever waits without a limit is answered"
        return answers

    def submit_alone(self, envelope: Envelope) -> Answer:
        """Submit the command alone, waiting for locks as long as any transaction that writes.

        Raises the errors of `submit`.
        """
        [answer] = self._desk.submit([envelope])
        return answer

    def _round(self, groups: Sequence[Sequence[Envelope]]) -> list[list[Answer | None]]:
        answers = iter(self._transaction([each for group in groups for each in group]))
        return [list(islice(answers, len(group))) for group in groups]

    def _transaction(self, envelopes: Sequence[Envelope]) -> list[Answer | None]:
        """The answers of one transaction; None for each command that must be submitted alone."""
        try:
            answers = self._desk.submit(envelopes, lock_timeout=LOCK_TIMEOUT)
        except LockTimeoutError:
            return [None] * len(envelopes)
        except Exception as error:
            away = isinstance(error, DatabaseError) and not isinstance(error.__cause__, _UNDONE)
            if away or len(envelopes) == 1:
                raise
            _log.warning("asked_alone", commands=len(envelopes), error=type(error).__name__)
            return [None] * len(envelopes)
        if len(envelopes) == 1:
            return [*answers]
        return [None if _is_searched_for(answer) else answer for answer in answers]


def _is_searched_for(answer: Answer) -> bool:
    """Whether the answer still needs the nearest names for an unknown site.

    A transaction looks up the nearest names for only one command.
    """
    refusal = answer.refusal
    return (
        refusal is not None
        and refusal.name == "unknown_site"
        and not answer.repeated
        and not refusal.facts.get("nearest")
    )
