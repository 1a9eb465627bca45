"""The site's own details, past incidents brought in, and evidence."""

from incidents.machine import commands as c
from incidents.machine import events as e
from tests.machine.history import ANN, History, utc


def test_a_site_is_added_with_whom_to_call() -> None:
    site = History()
    added = site.last(e.SiteAdded)
    assert added.site == site.case.site == "site.example"
    assert (site.case.created_at, site.case.seq) == (utc("10:00"), 1)


def test_a_site_is_added_once() -> None:
    site = History().do(c.AddSite(by=ANN))
    assert site.refused_with == "site_exists"


def test_editing_changes_what_is_given_and_leaves_the_rest() -> None:
    site = History().do(c.EditSite(by=ANN, phone="sha256:1", email="sha256:2"))
    site.do(c.EditSite(by=ANN, phone="sha256:3", person="sha256:4"))
    assert (site.case.phone, site.case.email) == ("sha256:3", "sha256:2")
    assert site.case.person == "sha256:4"


def test_an_imported_incident_is_a_record_that_starts_no_clock_and_counts_in_no_rule() -> None:
    site = History(at="10:00").imported(at="09:00")
    assert site.states == ["open"]
    assert site.contact_due(1) is None
    assert site.ordered == []
    assert site.after("24h").elapse().happened == []


def test_an_imported_incident_stands_where_its_facts_put_it() -> None:
    site = History(at="10:00").imported(at="09:00", contact="reached")
    site.imported(at="09:00", contact="no-answer").imported(at="09:00", removed="09:30")
    assert site.states == ["notified", "open", "removed"]
    assert [contact.occurred_at for contact in site.incident(1).contacts] == [utc("09:00")]


def test_an_imported_contact_has_its_own_time() -> None:
    site = History(at="10:00")
    site.do(
        c.ImportIncident(by=ANN, at=utc("08:00"), contact="reached", contact_at=utc("08:30"))
    )  # fmt: skip
    assert site.incident(1).contacts[0].occurred_at == utc("08:30")
    site.do(
        c.ImportIncident(by=ANN, at=utc("08:00"), contact="reached", contact_at=utc("07:59"))
    )  # fmt: skip
    assert site.refused_with == "before_incident"


def test_an_imported_incident_that_is_corrected_has_no_clock_either() -> None:
    site = History(at="10:00").imported(at="09:00", contact="reached").void_contact(1)
    assert site.states == ["open"]
    assert site.incident(1).contact_due is None


def test_evidence_is_attached_by_its_digest_and_the_same_file_twice_is_once() -> None:
    site = History().log()
    file = c.Attach(by=ANN, incident=1, digest="ab" * 32, size=5, name="sha256:1")
    site.do(file)
    (evidence,) = site.incident(1).evidence
    assert (evidence.digest, evidence.size, evidence.name) == ("ab" * 32, 5, "sha256:1")
    assert site.do(file).happened == []
    site.do(c.Attach(by=ANN, incident=1, digest="cd" * 32, size=6))
    assert len(site.incident(1).evidence) == 2


def test_evidence_needs_an_incident() -> None:
    site = History().do(c.Attach(by=ANN, incident=1, digest="ab" * 32, size=5))
    assert site.refused_with == "unknown_incident"


def test_category_and_note_stay_with_the_incident_and_a_recurrence_has_the_category() -> None:
    site = History().do(c.Log(by=ANN, category="malware", note="sha256:1"))
    assert (site.incident(1).category, site.incident(1).note) == ("malware", "sha256:1")
    site.contact(1).do(c.Recur(by=ANN, incident=1, note="sha256:2"))
    assert (site.incident(2).category, site.incident(2).note) == ("malware", "sha256:2")
