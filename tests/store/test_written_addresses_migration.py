"""The migration to addresses as they were written (0012), there, back and there again."""

from incidents.machine import commands as c
from incidents.store.schema.tables import incident_urls
from incidents.values import web_address
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0011"
WRITTEN = ("http://a.example/1", "http://a.example/a b", 'HTTP://a.example/"written":[')


def _logged(day: Rehearsal) -> None:
    kept = web_address.normalized(WRITTEN)
    for site in ("a.example", "b.example"):
        day.add(site)
        assert day.refused(c.Log(by="li", urls=kept.urls, written=kept.written), site) is None


def test_what_was_written_is_taken_up_again_from_the_entries(db_url: str) -> None:
    with rehearsal(db_url) as day:
        _logged(day)
        [before] = rows(day, incident_urls)
        assert [text for *_, text in before] == [None, *WRITTEN[1:]] * 2
        assert there_and_back(day, BEFORE) >= {"rehearsal"}
        assert rows(day, incident_urls) == [before]
        assert day.findings() == []
