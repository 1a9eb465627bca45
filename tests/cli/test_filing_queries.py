"""What people are told of filings: items in words, tasks with what they are about."""

from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from tests.cli.conftest import Cli


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "shop.example")
    return cli


def test_servers_and_documents_are_told_in_words(desk: Cli, tmp_path: Path) -> None:
    paper = tmp_path / "paper.txt"
    paper.write_text("a paper")
    desk("filing", "server", "shop.example", "main", "--province", "浙江", "--count", "2")
    desk("filing", "document", "shop.example", "contract", str(paper), "--kind", "idc_licence")
    told = desk("filing", "show", "shop.example").out.splitlines()
    assert told[0] == "server.main: Province 浙江, Number of servers 2"
    assert told[1].startswith("document.contract: Type IDC licence, SHA-256 ")
    assert told[1].endswith(", Size in bytes 7")


def test_a_document_that_only_expires_is_told_so(desk: Cli) -> None:
    desk("filing", "document", "shop.example", "paper", "--expires", "2026-12-31")
    told = desk("filing", "show", "shop.example").out.splitlines()
    assert told[0] == "document.paper: Expires on 2026-12-31"


def test_the_queue_tells_which_detail_may_be_false(desk: Cli) -> None:
    desk("filing", "set", "shop.example", "responsible_phone=13800000000")
    assert "\tfalse detail? responsible_phone\t" in desk("queue").out


def test_the_queue_tells_by_when_something_is_to_be_filed(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    desk("filing", "set", "shop.example", "opened_on=2026-03-01")
    clock.move_to("2026-03-17T04:00:00Z")
    desk("daemon", "--once")
    assert "\tfiling due by 2026-03-31\t" in desk("queue").out


def test_a_list_with_a_site_that_is_new_is_told_the_way_out(desk: Cli, tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("site,level\nshop.exampel,3\nanother-name.test,3\n")
    told = desk("filing", "import", str(file), "--dry-run").out
    assert "row 2: shop.exampel: no site named shop.exampel. Did you mean" in told
    assert "row 3: another-name.test: the site is not in the register (add it with" in told


def test_the_alarm_tells_of_terms_and_of_those_that_are_overdue(
    desk: Cli, clock: FrozenDateTimeFactory
) -> None:
    def told() -> str:
        desk("daemon", "--once")
        lines = desk("alarms").out.splitlines()
        [line] = [line for line in lines if line.startswith("filing_due:")]
        return line.split("\t")[1]

    desk("filing", "set", "shop.example", "opened_on=2026-03-01")
    clock.move_to("2026-03-17T04:00:00Z")
    assert told() == "filing deadlines due: 1, reminder sent on 2026-03-17"
    clock.move_to("2026-04-02T04:00:00Z")
    assert told() == "filing deadlines due: 1, reminder sent on 2026-04-02, 1 overdue"
