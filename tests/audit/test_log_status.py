"""The log's status."""

import json

from incidents.audit import (
    log_status,
    sequencer,
)
from incidents.store.engine import reading
from tests.audit.log_house import House


def status(house: House) -> dict[str, object]:
    with reading(house.engine) as connection:
        found = log_status.document(connection, house.time.now)
    json.dumps(found)
    return {k: found[k] for k in ("pending", "unnumbered", "numbered", "published", "late")}


def test_the_status_counts_what_is_pending_numbered_and_published(house: House) -> None:
    house.add(3)
    assert status(house) == {
        "pending": 3, "unnumbered": 3, "numbered": 0, "published": 0, "late": False,
    }  # fmt: skip
    house.time.later(hours=1)
    house.make_key()
    assert status(house)["late"]

    house.sign()
    house.add(2)
    sequencer.number_some(house.engine, 1)

    assert status(house) == {
        "pending": 2, "unnumbered": 1, "numbered": 5, "published": 4, "late": False,
    }  # fmt: skip
    house.time.later(seconds=60)
    assert not status(house)["late"]
    house.time.later(seconds=1)
    assert status(house)["late"]
