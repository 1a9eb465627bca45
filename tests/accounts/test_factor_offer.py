"""The offer of a second factor: random, and taken once, in its session, and soon."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from incidents.accounts.factor_offer import OFFER_FOR, Offer

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_an_offer_is_read_by_its_own_session_until_it_is_too_old() -> None:
    offer = Offer.new("cookie", 2, NOW)
    assert Offer.read(offer.text, "cookie", 2, NOW + OFFER_FOR - SECOND) == offer
    assert Offer.read(offer.text, "cookie", 2, NOW + OFFER_FOR) is None
    assert Offer.read(offer.text, "another", 2, NOW) is None


def test_an_offer_ends_with_the_next_factor() -> None:
    assert Offer.read(Offer.new("cookie", 2, NOW).text, "cookie", 3, NOW) is None


def test_no_offer_can_be_known_before_it_is_drawn() -> None:
    first, second = Offer.new("cookie", 0, NOW), Offer.new("cookie", 0, NOW)
    assert first.secret != second.secret
    assert len(first.drawn) * 8 == 160


@pytest.mark.parametrize("forged", ["", "~", "~~", "zz~1~x", "00~²~x", "00~1~é", "{whole}0"])
def test_a_forged_offer_is_none(forged: str) -> None:
    given = forged.format(whole=Offer.new("cookie", 0, NOW).text)
    assert Offer.read(given, "cookie", 0, NOW) is None
