"""The recovery: compares the whole world with a record that has lost its end, and orders again.

It may be ended at any moment, and begun anew by anybody: what is known to agree costs a question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from incidents.acts import routing
from incidents.acts.reconciliation import Comparison, Reconciliation
from incidents.store import lineage, sites
from incidents.store.engine import plainly, writing

if TYPE_CHECKING:
    from incidents.bootstrap import House

AT_ONCE = 8
"""So many sites are asked about at once."""


def is_due(house: House) -> bool:
    """Whether the record has lost its end, and the world was not compared with it since."""
    with house.reading() as connection:
        return lineage.look(connection).unproved_since is not None


def compared(
    house: House, *, by: str, login: str | None, stopped: Callable[[], bool] = lambda: False
) -> Iterator[Comparison]:
    """Each site, compared, and ordered again where it differs or nobody can be asked.

    Once all are, the world is as the record says, or will be when its orders are carried out.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: of [acts], naming what is wrong.
        DatabaseError: when the database does not do its part.
    """
    found = routing.load()
    own = Reconciliation(
        reading=house.reading, desk=house.desk, routing=found, by=by, login=login, repair=True,
        believes=False,
    )  # fmt: skip
    try:
        with house.reading() as connection:
            epoch = lineage.look(connection).epoch
            names, _ = sites.in_doubt(connection, every=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for each in pool.map(lambda name: None if stopped() else own.compare(name), names):
                if each is None:
                    return
                yield each
    finally:
        found.close()
    with plainly(house.engine), writing(house.engine) as connection:
        lineage.prove(connection, epoch)


def counted(found: Iterable[Comparison]) -> Counter[str]:
    """How many there were of each verdict."""
    return Counter(each.verdict for each in found)
