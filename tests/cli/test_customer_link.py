"""The customer's link on the command line: for the desk to hand out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from incidents.notices.customer_link import Links, ValidLink
from tests.cli.conftest import NOON, Cli
from tests.conftest import WriteSettings

SECRET = "0123456789abcdef" * 2
LINKS = Links(base_url="https://desk.host.example", secrets=(SECRET,))


@pytest.fixture
def _customer(write_settings: WriteSettings) -> None:
    write_settings(f'[customer]\nbase_url = "{LINKS.base_url}"\nsecret = "{SECRET}"\n')


@pytest.mark.usefixtures("_customer")
def test_the_link_of_an_incident_is_printed_with_how_long_it_holds(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    told = cli("link", "1-1")
    assert (told.status, told.out) == (0, f"{LINKS.address((1, 1), NOON)}\n")
    assert told.err == "the link works until 2026-03-16 12:00 Asia/Shanghai (in 14 d)\n"
    token = told.out.strip().rpartition("/")[2]
    assert LINKS.read(token, NOON + timedelta(days=14)) == ValidLink((1, 1))
    assert cli("link", "1-1", "-q").out == told.out
    assert cli("link", "1-1", "-q").err == ""
    assert cli("link", "1-1", "--json").json == {
        "incident": "1-1", "link": told.out.strip(), "until": "2026-03-16T04:00:00Z",
    }  # fmt: skip


@pytest.mark.usefixtures("_customer")
def test_to_hand_a_link_out_puts_nothing_on_record(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    before = cli("show", "1-1", "--json").out
    cli("link", "1-1")
    assert cli("show", "1-1", "--json").out == before


@pytest.mark.usefixtures("_customer")
def test_after_its_links_were_revoked_an_incident_has_another_link(cli: Cli) -> None:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    for _ in range(2):
        told = cli("revoke-links", "1-1", "--key", "k")
        assert told.out.startswith("1-1: customer links revoked\n")
    token = cli("link", "1-1").out.strip().rpartition("/")[2]
    assert LINKS.read(token, NOON) == ValidLink((1, 1), 1)
    assert cli("show", "1-1", "--json").json["links_revoked"] == 1
    assert cli("revoke-links", "9-9").status == 3


@pytest.mark.usefixtures("_customer")
def test_of_what_is_not_there_no_link_is_given(cli: Cli) -> None:
    told = cli("link", "9-9")
    assert (told.status, told.out) == (3, "")
    assert "no incident 9-9\n" in told.err


def test_without_its_settings_it_says_what_is_missing(cli: Cli) -> None:
    told = cli("link", "1-1")
    assert (told.status, told.out) == (1, "")
    assert "has no section [customer]. Add it, with base_url = " in told.err
