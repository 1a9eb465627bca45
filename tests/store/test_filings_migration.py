"""The migration to filings (0010), there, back and there again, with a past."""

from incidents.machine import commands as c
from incidents.store.schema.desk_tables import filing_details, filing_terms
from incidents.store.schema.tables import tasks
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.store.migrations import rows, there_and_back

BEFORE = "0009"
NEW = {"filing_details", "filing_terms", "footers"}
TABLES = (filing_details, filing_terms, tasks)


def filed(day: Rehearsal) -> None:
    """Two sites: details changed and taken away, terms begun, met and begun anew, reminders of
    one and of both, tasks about something and about incidents; words that look like an entry."""
    day.add("a.example", "b.example", "c.example")

    def give(command: c.Command, site: str = "a.example") -> None:
        day.later(hours=1)
        assert day.give(command, site).refusal is None

    def change(site: str = "a.example", **details: str) -> None:
        give(c.ChangeFiling(by="li", details=tuple(details.items())), site)

    change(opened_on="2026-01-20", level="2", icp_number="京ICP备12345678号-1", ip="192.0.2.1")
    change("b.example", opened_on="2026-02-10", responsible_name="Wang", **{"server.a": "{}"})
    give(c.Remind(on="2026-03-01"))
    give(c.Remind(on="2026-03-01"), "b.example")
    change(level="3", ip="", responsible_name='"kind":"filing_changed"')
    give(c.RaiseSuspicion(field="responsible_name", finding="not_a_name"))
    give(c.RaiseSuspicion(field="level", finding="of_another_service"))
    change(approved_on="2026-01-25", level="2", opened_on="2026-01-21")
    give(c.Log(by="li", note='"kind":"filing_reminded"'))
    day.later(days=1)
    give(c.Remind(on="2026-03-02"))
    give(c.RecordFooter(problems=("icon_missing", "link_missing")), "b.example")
    give(c.RecordFooter(problems=("icon_missing",)), "b.example")
    change("c.example", opened_on="2026-01-21")
    give(c.Remind(on="2026-03-02"), "c.example")
    change("b.example", filed_on="2026-03-01")
    change("b.example", filed_on="")
    change("c.example", level="3")
    give(c.StateFalse(by="li", field="responsible_name", evidence="nobody's"))
    change(level="")


def test_filings_are_taken_up_again_from_the_entries(db_url: str) -> None:
    with rehearsal(db_url) as day:
        filed(day)
        before = details, terms, of_tasks = rows(day, *TABLES)
        assert [(site, key) for site, key, _ in details] == [
            (1, "approved_on"), (1, "icp_number"), (1, "opened_on"), (1, "responsible_name"),
            (2, "opened_on"), (2, "responsible_name"), (2, "server.a"),
            (3, "level"), (3, "opened_on"),
        ]  # fmt: skip
        assert terms == [
            (1, "show_number", "2026-02-24", "2026-03-02", "2026-03-03"),
            (2, "file", "2026-03-12", None, "2026-02-26"),
            (3, "file", "2026-02-20", "2026-03-02", "2026-03-03"),
        ]
        assert {tuple(about) for *_, about in of_tasks if about} == {
            ("2026-02-19",), ("2026-03-12",), ("2026-02-24",), ("2026-02-20",),
            ("responsible_name", "not_a_name"), ("level", "of_another_service"),
            ("icon_missing", "link_missing"), ("icon_missing",),
        }  # fmt: skip
        assert there_and_back(day, BEFORE) >= NEW
        assert rows(day, *TABLES) == before
        assert day.findings() == []
