"""The links to the customer's page: how often they were revoked is on record, and moves nothing."""

import pytest

from incidents.machine import events as e
from incidents.machine.policy import DOCUMENTED
from tests.machine.history import ANN, History, utc
from tests.machine.test_note import HOWEVER_IT_STANDS


@pytest.mark.parametrize("name", HOWEVER_IT_STANDS)
def test_links_are_revoked_however_the_incident_and_its_site_stand_and_that_moves_nothing(
    name: str,
) -> None:
    site = HOWEVER_IT_STANDS[name]()
    before = (site.state, site.states, site.run, site.queue, site.suspended_until)
    assert site.incident(1).links_revoked is None
    for times in (1, 2):
        assert site.revoke_links(1).happened == ["links_revoked"]
        assert site.incident(1).links_revoked == times
    assert (site.state, site.states, site.run, site.queue, site.suspended_until) == before
    assert site.ordered == []


def test_a_revocation_is_recorded_with_who_did_it_and_is_of_one_incident() -> None:
    site = History(at="10:00").log().log().revoke_links(2)
    assert site.recorded(e.LinksRevoked) == [
        e.LinksRevoked(
            occurred_at=utc("10:00"), recorded_at=utc("10:00"), by=ANN, policy=DOCUMENTED.digest,
            incident=2,
        )
    ]  # fmt: skip
    assert site.incident(1).links_revoked is None
    assert site.revoke_links(3).refused_with == "unknown_incident"
