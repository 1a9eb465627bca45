"""The recovery: compares the whole world with a record that has lost its end, and orders again.

It may be ended at any moment, and begun anew by anybody: what is known to agree costs a question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Connection, Engine, select

from incidents.acts import routing
from incidents.acts.reconciliation import Comparison, Reading, Reconciliation
from incidents.clock import read_rfc3339
from incidents.desk import Desk
from incidents.store import lineage
from incidents.store import sites as site_rows
from incidents.store.engine import plainly, writing
from incidents.store.tables import sites
from incidents.views import history

STRANGE_FOR = timedelta(days=30)
"""So long after a loss a site that is added may be one that the record has lost: what was done
about it in the world stands there still."""

AT_ONCE = 8
"""So many sites are asked about at once."""


def is_due(reading: Reading) -> bool:
    """Whether the record has lost its end, and the world was not compared with it since."""
    with reading() as connection:
        return lineage.epoch(connection)[1] is not None


def may_be_due(reading: Reading) -> bool:
    """Whether the record has ever lost its end."""
    with reading() as connection:
        return lineage.epoch(connection)[0] > 0


def strangers(connection: Connection) -> list[str]:
    """The sites that were added since the end was lost, and of which nothing was ordered yet."""
    last = history.resumed(connection)
    if last is None:
        return []
    since, of = read_rfc3339(last["at"]), sites.c
    added = (of.created_at >= since, of.created_at < since + STRANGE_FOR, of.last_act == 0)
    return list(connection.scalars(select(of.name).where(*added).order_by(of.name)))


def compared(
    engine: Engine,
    desk: Desk,
    reading: Reading,
    *,
    by: str,
    login: str | None,
    only: Sequence[str] | None = None,
    stopped: Callable[[], bool] = lambda: False,
) -> Iterator[Comparison]:
    """Each site, or `only` those, compared, and ordered again where it differs or nobody can be
    asked.

    Once all are, the world is as the record says, or will be when its orders are carried out.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: of [acts], naming what is wrong.
        DatabaseError: when the database does not do its part.
    """
    found = routing.load()
    try:
        with reading() as connection:
            epoch = lineage.epoch(connection)[0]
            names = only or site_rows.in_doubt(connection, every=True)[0]
        # However many compare at once, and however often: each site is ordered once in an epoch.
        own = Reconciliation(
            reading=reading, desk=desk, routing=found, by=by, login=login, repair=True,
            believes=False, key=f"recover:{epoch}",
        )  # fmt: skip
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for each in pool.map(lambda name: None if stopped() else own.compare(name), names):
                if each is None:
                    return
                yield each
    finally:
        found.close()
    if only is not None:
        return
    with plainly(engine), writing(engine) as connection:
        lineage.prove(connection, epoch)


def counted(found: Iterable[Comparison]) -> Counter[str]:
    """How many there were of each verdict."""
    return Counter(each.verdict for each in found)
