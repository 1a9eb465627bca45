"""`incidents filing check-footer`: what is told of a page, and with which exit status."""

import csv
import io
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from incidents import views
from tests.cli.conftest import Cli
from tests.conftest import WriteSettings
from tests.filing.test_footer_pages import PAGES
from tests.outbound.rig import LOOPBACK, always, receiver

NUMBERS = ("--public-security", "11010502000001", "--icp", "京ICP备12345678号-1")
DETAILS = {
    "public_security_number": "京公网安备 11010502000001号",
    "icp_number": "京ICP备12345678号-1",
}


def check(cli: Cli, *words: str) -> tuple[int, str, str]:
    """The command, its status and what it wrote."""
    done = cli("filing", "check-footer", *words)
    return done.status, done.out, done.err


@pytest.fixture
def on_record(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What is on record of shop.example, however it came there."""
    found = dict(DETAILS)

    def filing_details(_connection: object, name: str) -> Mapping[str, str]:
        assert name == "shop.example"
        return found

    monkeypatch.setattr(views, "filing_details", filing_details, raising=False)
    return found


@pytest.fixture
def allowed(write_settings: WriteSettings) -> Path:
    """Settings that allow this machine's pages to be looked at."""
    return write_settings(f'[filing]\nallow = ["{LOOPBACK}"]\n')


def test_a_page_that_shows_all_is_right(cli: Cli) -> None:
    status, out, _ = check(cli, str(PAGES / "new_link.html"), *NUMBERS)
    assert status == 0
    assert out.splitlines()[0] == (
        "ok\tpublic-security number\tThe public-security number 京公网安备 11010502000001号"
        " is shown."
    )
    assert all(line.startswith("ok\t") for line in out.splitlines())


def test_what_is_missing_is_told_with_exit_status_5(cli: Cli) -> None:
    status, out, _ = check(cli, str(PAGES / "missing_icon.html"), *NUMBERS)
    assert status == 5
    assert "wrong\tpublic-security icon\tThe public-security icon is not shown." in out


def test_a_page_that_only_scripts_fill_is_told_with_exit_status_1(cli: Cli) -> None:
    status, out, _ = check(cli, str(PAGES / "built_by_script.html"), *NUMBERS)
    assert (status, out.partition("\t")[0]) == (1, "unknown")


def test_a_page_alone_is_held_against_itself(cli: Cli) -> None:
    assert check(cli, str(PAGES / "number_of_another_site.html"))[0] == 0
    assert check(cli, str(PAGES / "number_of_another_site.html"), *NUMBERS)[0] == 5
    assert check(cli, str(PAGES / "nothing.html"))[0] == 5


def test_a_program_is_told_the_same(cli: Cli) -> None:
    page = str(PAGES / "missing_icon.html")
    status, out, _ = check(cli, page, *NUMBERS, "--json")
    told = json.loads(out)
    assert (status, told["page"], told["right"]) == (5, page, False)
    wrong = [each for each in told["findings"] if each["verdict"] == "wrong"]
    assert wrong == [
        {
            "verdict": "wrong",
            "field": "public_security_icon",
            "code": "icon_missing",
            "false": False,
            "sentence": "The public-security icon is not shown.",
            "facts": {},
            "source": "specification F.14",
        }
    ]
    _, lines, _ = check(cli, page, *NUMBERS, "--format", "jsonl")
    assert [json.loads(line) for line in lines.splitlines()] == told["findings"]
    _, table, _ = check(cli, page, *NUMBERS, "--format", "csv")
    assert [row["code"] for row in csv.DictReader(io.StringIO(table))] == [
        each["code"] for each in told["findings"]
    ]
    _, codes, _ = check(cli, page, *NUMBERS, "--quiet")
    assert codes.split() == [each["code"] for each in told["findings"]]


def test_the_form_of_the_icp_number_is_a_setting_and_an_option(cli: Cli, allowed: Path) -> None:
    page = (str(PAGES / "without_suffix.html"), *NUMBERS)
    assert check(cli, *page)[0] == 5
    assert check(cli, *page, "--icp-form", "subject")[0] == 0
    allowed.write_text('[filing]\nicp_form = "subject"\n')
    assert check(cli, *page)[0] == 0
    assert check(cli, *page, "--icp-form", "site")[0] == 5


def test_a_saved_page_is_compared_with_its_site(cli: Cli, on_record: dict[str, str]) -> None:
    page = str(PAGES / "number_of_another_site.html")
    assert check(cli, page, "--site", "shop.example")[0] == 5
    on_record["public_security_number"] = "33010602000009"
    assert check(cli, page, "--site", "SHOP.example")[0] == 0


def test_a_number_that_is_typed_goes_before_the_one_on_record(
    cli: Cli, on_record: dict[str, str]
) -> None:
    page = (str(PAGES / "number_of_another_site.html"), "--site", "shop.example")
    assert check(cli, *page, "--public-security", "33010602000009")[0] == 0


def test_a_sites_page_is_fetched(cli: Cli, on_record: dict[str, str], allowed: Path) -> None:
    body = (PAGES / "new_link.html").read_bytes()
    with receiver(always(200, body, Content_Type="text/html")) as there:
        assert check(cli, "shop.example", "--url", there.url)[0] == 0
        on_record["home_url"] = there.url
        assert check(cli, "shop.example")[0] == 0
    assert len(there.seen) == 2
    assert check(cli, "shop.example")[0] == 1


def test_a_page_that_cannot_be_fetched_is_told_with_exit_status_1(
    cli: Cli, on_record: dict[str, str], allowed: Path
) -> None:
    with receiver(always(503)) as there:
        status, out, _ = check(cli, "shop.example", "--url", there.url)
    assert status == 1
    assert (
        out == f"unknown\tthe page\tThe server responded to {there.url} with status 503"
        " instead of a page.\n"
    )


def test_a_site_that_leads_into_this_network_is_not_asked(
    cli: Cli, on_record: dict[str, str]
) -> None:
    status, out, _ = check(cli, "shop.example", "--url", "http://127.0.0.1:9/", "--json")
    (finding,) = json.loads(out)["findings"]
    assert (status, finding["verdict"], finding["code"]) == (1, "unknown", "page_forbidden")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("page.html", "--icp", "12345678"), "not an ICP number: '12345678'"),
        (("page.html", "--public-security", "x"), "not a public-security number: 'x'"),
        (("page.html", "--url", "https://shop.example/"), "--url needs the name of a site"),
        (("shop.example", "--site", "shop.example"), "--site needs a saved page"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    cli: Cli, words: tuple[str, ...], says: str
) -> None:
    status, out, err = check(cli, *words)
    assert (status, out) == (2, "")
    assert says in err


def test_a_file_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    for target in (tmp_path / "page.html", tmp_path):
        status, _, err = check(cli, str(target))
        assert status == 1
        assert str(target) in err
        assert "Traceback" not in err


def test_a_name_that_is_none_is_refused(cli: Cli) -> None:
    assert check(cli, "no site")[0] == 3
