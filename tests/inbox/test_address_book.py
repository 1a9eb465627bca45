"""The address book: whose a host or an address was, at the time that a report names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from incidents.inbox import address_book
from incidents.inbox.address_book import BadBookError
from incidents.machine import commands as c
from incidents.store.database.engine import reading, writing
from incidents.store.inbox import address_book as store
from incidents.views.inbox import candidates
from incidents.views.inbox.candidates import Asked
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.statements import sent

BOOK = """customer,site,domain,address,since,until
blue,shop.example,,192.0.2.0/24,,
blue,,brand.example,,,
red,red.example,,192.0.2.128/25,,
green,green.example,,198.51.100.7,,2026-03-01T00:00:00Z
white,white.example,,198.51.100.7,2026-03-01T00:00:00Z,
one,one.example,,2001:db8::/32,,
two,two.example,,2001:db8::/32,,
"""
FEBRUARY, MARCH = datetime(2026, 2, 10, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    with rehearsal(db_url) as day:
        with writing(day.engine) as connection:
            store.save(connection, address_book.read(BOOK.splitlines()))
        yield day


def found(
    day: Rehearsal, *hosts: str, at: datetime = MARCH, addresses: tuple[str, ...] = ()
) -> list[str]:
    with reading(day.engine) as connection:
        asked = Asked(hosts, [(address, at) for address in addresses], at)
        return candidates.look_up(connection, [[asked]]).candidates(asked)


@pytest.mark.both_databases
def test_the_longest_prefix_says_whose_an_address_is(day: Rehearsal) -> None:
    assert found(day, addresses=("192.0.2.1",)) == ["shop.example"]
    assert found(day, addresses=("192.0.2.200",)) == ["red.example"]
    assert found(day, addresses=("203.0.113.1",)) == []


def test_an_address_is_whose_it_was_at_the_time_that_the_report_names(day: Rehearsal) -> None:
    assert found(day, at=FEBRUARY, addresses=("198.51.100.7",)) == ["green.example"]
    assert found(day, at=MARCH, addresses=("198.51.100.7",)) == ["white.example"]


def test_an_address_that_customers_share_has_the_sites_of_all(day: Rehearsal) -> None:
    assert found(day, addresses=("2001:db8::1",)) == ["one.example", "two.example"]


@pytest.mark.both_databases
def test_a_host_is_of_the_nearest_name_above_it(day: Rehearsal) -> None:
    assert found(day, "www.shop.example") == ["shop.example"]
    assert found(day, "login.brand.example") == ["shop.example"]
    assert found(day, "elsewhere.example") == []


def test_a_site_of_the_register_below_the_holders_site_is_the_one(day: Rehearsal) -> None:
    day.give(c.AddSite(by="li"), "www.shop.example")
    assert found(day, "www.shop.example") == ["www.shop.example"]
    both = found(day, "www.shop.example", addresses=("192.0.2.200",))
    assert both == ["www.shop.example", "red.example"]


def test_a_nearer_name_in_the_address_book_comes_before_the_register(day: Rehearsal) -> None:
    day.give(c.AddSite(by="li"), "example")
    assert found(day, "www.shop.example") == ["shop.example", "example"]


@pytest.mark.both_databases
def test_where_the_register_and_the_holder_of_the_time_disagree_a_person_chooses(
    day: Rehearsal,
) -> None:
    with writing(day.engine) as connection:
        moved = (
            "customer,domain,since,until\n"
            "green,moved.example,,2026-03-01T00:00:00Z\nwhite,moved.example,2026-03-01T00:00:00Z,\n"
        )
        store.save(connection, address_book.read(moved.splitlines()))
    day.give(c.AddSite(by="li"), "moved.example")
    for host in ("moved.example", "www.moved.example"):
        assert found(day, host, at=FEBRUARY) == ["moved.example", "green.example"]
        assert found(day, host, at=MARCH) == ["moved.example", "white.example"]
    # A site that its holder has is certain.
    day.give(c.AddSite(by="li"), "white.example")
    assert found(day, "white.example", at=MARCH) == ["white.example"]


def test_each_address_is_whose_it_was_when_it_was_seen_itself(day: Rehearsal) -> None:
    one = Asked((), [("198.51.100.7", FEBRUARY), ("192.0.2.1", MARCH)], MARCH)
    two = Asked((), [("198.51.100.7", MARCH), ("198.51.100.7", FEBRUARY)], FEBRUARY)
    with reading(day.engine) as connection:
        known = candidates.look_up(connection, [[one], [two]])
    assert known.candidates(one) == ["green.example", "shop.example"]
    assert known.candidates(two) == ["white.example", "green.example"]


def test_the_address_book_is_asked_once_for_a_page_of_reports(day: Rehearsal) -> None:
    def statements(reports: int) -> int:
        asked = [
            [Asked((f"{n}.shop.example",), [("192.0.2.1", MARCH)], MARCH)] for n in range(reports)
        ]
        with sent(day.engine) as found, reading(day.engine) as connection:
            candidates.look_up(connection, asked)
        return len(found)

    assert statements(50) == statements(1)


def test_an_import_that_is_repeated_adds_nothing_and_an_end_replaces(day: Rehearsal) -> None:
    with writing(day.engine) as connection:
        before = store.count(connection)
        store.save(connection, address_book.read(BOOK.splitlines()))
        assert store.count(connection) == before
        ended = "customer,address,until\nred,192.0.2.128/25,2026-02-01T00:00:00Z\n"
        store.save(connection, address_book.read(ended.splitlines()))
        assert store.count(connection) == before
    assert found(day, addresses=("192.0.2.200",)) == ["shop.example"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("blue,a b,,,,", "site is 'a b', not a name"),
        (",a.example,,,,", "customer is '': name the customer"),
        ("blue,,,192.0.2,,", "address is '192.0.2', neither an IP address nor a prefix"),
        ("blue,a.example,,,yesterday,", "since is 'yesterday': write a date, or a time"),
        ("blue,a.example,,,2026-02-30,", "since is '2026-02-30': write a date, or a time"),
        ("blue,a.example,,,2026-03-01T00:00:00Z,2026-03-01T00:00:00Z", "until is not after since"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_its_value(line: str, told: str) -> None:
    with pytest.raises(BadBookError, match="line 2 of the address book") as raised:
        list(address_book.read(["customer,site,domain,address,since,until", line]))
    assert told in str(raised.value)


def test_a_date_alone_is_the_beginning_of_that_day_where_the_desk_is() -> None:
    book = ["customer,site,since", "blue,a.example,2026-03-01"]
    [holding] = address_book.read(book, timezone(timedelta(hours=8)))
    assert holding.since == datetime(2026, 2, 28, 16, tzinfo=UTC)


def test_a_file_without_a_header_is_refused() -> None:
    with pytest.raises(BadBookError, match="write the header customer,site"):
        list(address_book.read(["shop.example,192.0.2.1"]))
