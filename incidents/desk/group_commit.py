"""The gatherer: commands that come while the desk writes share its next transaction.

To be on the disk costs the same for one command as for many, and so does most of what this process
does for a transaction. A SQLite file has one writer at a time anyway. A PostgreSQL server has many:
there a transaction of many waits for nobody's lock for long (`PATIENCE`), and each asks alone then.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING

from sqlalchemy.exc import DataError, IntegrityError, ProgrammingError

from incidents.desk.envelope import Answer, Envelope
from incidents.desk.locked import StillLockedError
from incidents.errors import DatabaseError
from incidents.log import logger
from incidents.system.group_commit import GroupCommit

if TYPE_CHECKING:
    from incidents.desk.desk import Desk

PATIENCE = timedelta(milliseconds=50)
"""So long it waits for each lock that somebody else has."""

_log = logger("desk")

# Of what ends with one of these nothing was done, and it may have been for one command's sake. With
# all others it is the database that does not answer, and nobody knows what it has done before.
_UNDONE = (DataError, IntegrityError, ProgrammingError)


class Gatherer:
    """Takes commands of many threads to the desk, in the order in which they come.

    It has no thread of its own: one of those who wait does the work of all, and nobody is answered
    before the commit of what they asked for. So nothing is lost when the process ends, and whoever
    waits for its threads has waited for what was gathered.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._rounds: GroupCommit[Sequence[Envelope], list[Answer | None]] = GroupCommit(
            self._round
        )

    def submit(self, envelope: Envelope) -> Answer:
        """Takes the command and gives its own answer, as `Desk.submit` with this one alone.

        Raises:
            DatabaseError: when the database does not do its part.
        """
        [answer] = self.together([envelope])
        return self.alone(envelope) if answer is None else answer

    def together(self, envelopes: Sequence[Envelope]) -> list[Answer | None]:
        """Takes those that came at one moment: their answers, None for one to be asked `alone`.

        Raises:
            DatabaseError: when the database does not do its part.
        """
        answers = self._rounds.take(envelopes)
        assert answers is not None, "whoever waits without a limit is answered"
        return answers

    def alone(self, envelope: Envelope) -> Answer:
        """Takes the command in a transaction of its own, and waits for locks as long as need be;
        raises as `submit`."""
        [answer] = self._desk.submit([envelope])
        return answer

    def _round(self, groups: Sequence[Sequence[Envelope]]) -> list[list[Answer | None]]:
        answers = iter(self._transaction([each for group in groups for each in group]))
        return [list(islice(answers, len(group))) for group in groups]

    def _transaction(self, envelopes: Sequence[Envelope]) -> list[Answer | None]:
        """The answers of one transaction; None for a command that is to be asked alone."""
        try:
            answers = self._desk.submit(envelopes, patience=PATIENCE)
        except StillLockedError:
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
    """Whether names that look like it are still to be looked for: a transaction does so for one."""
    refusal = answer.refusal
    return (
        refusal is not None
        and refusal.name == "unknown_site"
        and not answer.repeated
        and not refusal.facts.get("nearest")
    )
