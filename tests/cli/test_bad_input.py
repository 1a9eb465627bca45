"""Bad input of every kind: one clear sentence, the way out, and the right exit status."""

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.conftest import WriteSettings


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "shop.example")
    cli("log", "shop.example")
    return cli


@pytest.mark.parametrize(
    ("line", "status", "said"),
    [
        ("log shopp.example", 3, "Did you mean shop.example?"),
        ("site show shopp.example", 3, "did you mean shop.example?"),
        ("audit export --site shopp.example", 3, "did you mean shop.example?"),
        ("audit replay --site shopp.example", 3, "did you mean shop.example?"),
        ("audit report shopp.example", 3, "did you mean shop.example?"),
        ("acts list --site shopp.example", 3, "did you mean shop.example?"),
        ("person erase shopp.example --reason r", 3, "did you mean shop.example?"),
        ("filing set shopp.example level=3", 3, "Did you mean shop.example?"),
        ("filing show shopp.example", 3, "did you mean shop.example?"),
        ("filing check shopp.example", 3, "did you mean shop.example?"),
        ("filing export shopp.example", 3, "did you mean shop.example?"),
        ("log nowhere.test", 3, "incidents site add nowhere.test"),
        ("site hold nowhere.test --reason police", 3, "incidents site list"),
        ("log https://shop.example/x", 3, "--url"),
        ("site add 12-3", 3, "looks like the id"),
        ("log shop.example --url ftp://shop.example/", 3, "http://"),
        ("log shop.example --at 2031-01-01T00:00:00Z", 3, "is in the future"),
        ("log shop.example --at yesterday", 2, "10m ago"),
        ("log shop.example --note N", 2, "N is a placeholder: write your own text"),
        ("void 1-1 --reason R", 2, "--reason R: R is a placeholder"),
        ("log SITE", 2, "SITE is a placeholder: write a name or an ID"),
        ("contact INCIDENT reached", 2, "INCIDENT is a placeholder"),
        ("log shop.example --at 2026-02-30T00:00:00Z", 2, "no such time"),
        ("log shop.example --zone Mars/Base", 2, "Mars/Base"),
        ("removed 7-1", 3, "7-1"),
        ("removed nonsense", 3, "looks like 12-3"),
        ("show nonsense", 3, "an ID looks like 12-3"),
        ("show 1-9", 3, "1-9"),
        ("contact 1-1 shouted", 2, "shouted"),
        ("contact 11 reached", 3, "looks like 12-3"),
        ("show 11", 3, "looks like 12-3"),
        ("--zone UTC", 2, "Usage: incidents [OPTIONS] COMMAND"),
        ("--zone", 2, "Usage: incidents [OPTIONS] COMMAND"),
        ("--dry-run queue", 2, "No such option '--dry-run'"),
        ("--json --csv queue", 2, "No such option '--csv'"),
        ("void-contact 1-1 --reason r", 3, "looks like 12-3-1"),
        ("void-contact 1-1-9 --reason r", 3, "no contact"),
        ("void 1-1", 2, "--reason"),
        ("claim nonsense", 3, "incidents queue"),
        ("claim 1-t9", 3, "1-t9"),
        ("claim 9-1", 3, "9-1"),
        ("done 1-disputed", 2, "uphold"),
        ("done 1-reinstatement", 2, "approve"),
        ("hand-over clock", 3, "clock"),
        ("log shop.example --as clock", 3, "clock"),
        ("site edit shop.example", 2, "--phone"),
        ("site add shop.example", 3, "site edit"),
        ("site list --json --format csv", 2, "contradict"),
        ("site list --format xml", 2, "xml"),
        ("queue --watch", 2, "terminal"),
        ("queue --watch --json", 2, "for people"),
        ("queue --watch -q", 2, "for people"),
        ("queue --limit 0", 2, "0"),
        ("queue --after nonsense", 2, "nonsense"),
        ("logg shop.example", 2, "log"),
        ("", 2, "Usage"),
        ("attach 1-1 /no/such/file", 2, "/no/such/file"),
        ("attach 1-1 /dev/null", 2, "plain file"),
        ("site list --db nonsense", 2, "sqlite:////path/to/file"),
        ("site list --db mysql://db.example/x", 2, "mysql"),
        (
            "site list --db sqlite:////no/such/folder/x.db",
            1,
            "writable; name another one with --db",
        ),
        ("audit verify --db sqlite:////no/such/x.db", 1, "name another one with --db"),
        ("site list --db postgresql://desk@127.0.0.1:1/x", 1, "start it, or name another one"),
        ("refused 1-1", 3, "next: incidents contact 1-1 reached"),
    ],
)
def test_bad_input_gets_one_sentence_and_its_status(
    desk: Cli, line: str, status: int, said: str
) -> None:
    answer = desk(*line.split())
    assert answer.status == status, answer.err
    assert said in answer.err
    assert answer.out == ""
    assert "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("option", "text", "said"),
    [
        ("--note", "x" * 4_001, "4,000"),
        ("--note", "a\x00b", "U+0000"),
        ("--note", "a\x1b[2Jb", "U+001B"),
        ("--note", "a\udcffb", "U+DCFF"),
        ("--note", "   ", "empty"),
        ("--category", "x" * 101, "100"),
        ("--key", "", "empty"),
        ("--as", "", "empty"),
        ("--as", "x" * 101, "100"),
    ],
)
def test_text_that_cannot_be_kept_is_refused(desk: Cli, option: str, text: str, said: str) -> None:
    answer = desk("log", "shop.example", option, text)
    assert answer.status == 3
    assert said in answer.err


def test_text_at_its_limit_is_kept_with_its_line_ends(desk: Cli) -> None:
    note = "第一行\r\n\t" + "字" * 3_990
    assert desk("log", "shop.example", "--note", note).status == 0
    kept = desk("show", "1-2", "--json").json["note"]
    assert kept == note.replace("\r\n", "\n")


def test_fifty_addresses_are_the_most_of_one_incident(desk: Cli) -> None:
    def urls(n: int) -> list[str]:
        return [arg for i in range(n) for arg in ("--url", f"http://shop.example/{i}")]

    over = desk("log", "shop.example", *urls(51))
    assert over.status == 3
    assert "50" in over.err
    assert desk("log", "shop.example", *urls(50)).status == 0


def test_a_program_reads_the_refusal_by_its_name(desk: Cli) -> None:
    refused = desk("log", "shopp.example", "--json").refused
    assert refused["name"] == "unknown_site"
    assert refused["facts"]["nearest"] == ["shop.example"]
    assert "shopp.example" in refused["message"]
    assert desk("site", "show", "shopp.example", "--format", "csv").refused["name"] == (
        "unknown_site"
    )
    refused = desk("refused", "1-1", "--format", "jsonl").refused
    assert refused["name"] == "state_forbids"
    assert refused["facts"]["state"] == "open"
    assert desk("log", "http://x/", "--json").refused["name"] == "bad_site_name"
    future = desk("log", "shop.example", "--at", "2031-01-01T00:00:00Z", "--json").refused
    assert future["facts"]["at"] == "2031-01-01T00:00:00Z"


def test_where_a_program_reads_nothing_but_documents_is_written(desk: Cli) -> None:
    answer = desk("contact", "1-1", "no-answer", "--at", "11:59", "--json")
    assert answer.status == 3
    assert answer.refused["name"] == "before_incident"
    answer = desk("contact", "1-1", "no-answer", "--at", "12:00", "--json")
    assert answer.err == ""
    assert answer.json["incident"]["contacts"][0]["outcome"] == "no-answer"


def test_a_broken_settings_file_is_named(desk: Cli, write_settings: WriteSettings) -> None:
    file = write_settings("zone = ")
    answer = desk("site", "list")
    assert answer.status == 1
    assert str(file) in answer.err


def test_a_foreign_file_is_not_touched(desk: Cli, tmp_path: Path) -> None:
    file = tmp_path / "letter.db"
    file.write_text("Dear Mr Wang, " * 100)
    answer = desk("site", "list", "--db", f"sqlite:///{file}")
    assert answer.status == 1
    assert "not a SQLite database" in answer.err
    assert file.read_text().startswith("Dear")
