"""The desk's own action on mails to reporters: put on record that one was sent, or could not be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.record.report_events import ReporterAnswered
from incidents.store.inbox import answers
from incidents.store.inbox.answers import Answer, Waiting
from incidents.values.ids import report_id

Clock = Callable[[], datetime]


def record(
    connection: Connection, mail: Waiting, address: str, problem: str | None, *, by: str,
    login: str | None, clock: Clock,
) -> None:  # fmt: skip
    """Record that the mail went to the address, which is sealed, or why it did not."""
    place = own_stream.place(connection, clock)
    first, *others = mail.named
    own_stream.record(
        connection, place, ReporterAnswered, by, login, reason=address, report=first,
        letter=mail.letter, others=tuple(map(report_id, others)), more=mail.more, problem=problem,
    )  # fmt: skip
    answers.add(
        connection,
        [
            Answer(report, mail.letter, place.now, problem, first, mail.reporter)
            for report in mail.named
        ],
    )
    answers.CLAIMS.remove(connection, mail)
