"""`incidents filing`: the register of filings as an operator types it."""

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from openpyxl import Workbook

from tests.cli.conftest import NOON, Cli
from tests.conftest import WriteSettings

SITE = "shop.example"
FALSE_PHONE = "000 0000 0000"


@pytest.fixture
def office(cli: Cli) -> Cli:
    """A desk with one site."""
    assert cli("site", "add", SITE).status == 0
    return cli


def shown(cli: Cli, site: str = SITE) -> Any:
    return cli("filing", "show", site, "--json").json


def test_what_is_set_is_shown_with_what_is_missing_and_the_terms(office: Cli) -> None:
    done = office("filing", "set", SITE, "level=3", "opened_on=2026-02-20", "responsible_name= Li ")
    assert (done.status, done.err) == (0, "")
    assert (
        "Filing of shop.example changed: site level, opening date, responsible person's name"
        in done.out
    )
    found = shown(office)
    assert found["details"] == {"level": "3", "opened_on": "2026-02-20", "responsible_name": "Li"}
    assert [(term["term"], term["due_on"]) for term in found["terms"]] == [("file", "2026-03-22")]
    assert 0 < found["score"] < 100
    assert "registrar" in [each["field"] for each in found["missing"]]
    told = office("filing", "show", SITE).out
    assert "level: 3 (level 3)" in told
    assert "file by the end of 2026-03-22" in told
    assert "missing: registrar" in told


def test_an_act_on_a_filing_answers_as_all_acts_do(office: Cli) -> None:
    document = office("filing", "set", SITE, "level=3", "--json").json
    assert document.keys() == {"site", "incident", "incidents", "events", "remarks"}
    assert document["events"][0]["details"] == {"level": "3"}
    assert office("filing", "set", SITE, "level=3", "-q").out == "shop.example\n"
    again = office("filing", "set", SITE, "level=3")
    assert "nothing changed" in again.out
    dry = office("filing", "set", SITE, "level=2", "--dry-run")
    assert "dry run: Filing of shop.example changed" in dry.out
    assert shown(office)["details"] == {"level": "3"}
    keyed = [office("filing", "set", SITE, "nature=commercial", "--key", "k") for _ in range(2)]
    assert keyed[0].out == keyed[1].out
    assert office("filing", "set", SITE, "level=").status == 0
    assert shown(office)["details"] == {"nature": "commercial"}


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["levl=3"], 2, "Did you mean level?"),
        (["colour=3"], 2, "filing fields lists them"),
        (["level"], 2, "write KEY=TEXT"),
        ([], 2, "nothing to change"),
        (["opened_on=2026-03-04"], 3, "is in the future"),
        (["opened_on=1 March"], 2, "write it like 2026-01-02"),
        (["level=" + "3" * 65], 2, "write one of 二级 (2), 三级 (3)"),
        (["ip=999.1.1.1"], 3, "must be IP addresses"),
        (["icp_number=13900001111"], 3, "one such as 京ICP备12345678号-1"),
        (["server.a=here"], 3, "write a JSON object"),
        (["server.A=here"], 2, "no filing detail"),
        (["--preset", "nobody"], 3, "aliyun-access"),
        (["level=\x1b"], 3, "cannot be recorded"),
    ],
)
def test_what_cannot_be_filed_is_refused_with_the_way_out(
    words: list[str], status: int, says: str, office: Cli
) -> None:
    done = office("filing", "set", SITE, *words)
    assert done.status == status, done.err
    assert says in done.err
    assert shown(office)["details"] == {}


def test_a_preset_fills_in_what_is_the_provider_s_and_what_is_typed_wins(office: Cli) -> None:
    office("filing", "set", SITE, "access_phone=95188", "--preset", "aliyun-access")
    details = shown(office)["details"]
    assert (details["access_code"], details["access_phone"]) == ("673959654", "95188")
    told = office("filing", "presets").out
    assert "aliyun-registrar" in told


def test_a_desk_s_own_presets_stand_beside_those_that_come_along(
    office: Cli, tmp_path: Path, write_settings: WriteSettings
) -> None:
    own = tmp_path / "presets.toml"
    own.write_text('[our-host]\naccess_provider = "Our Host"\naccess_code = "1"\n')
    write_settings(f'[filing]\npresets = "{own}"\n')
    assert office("filing", "set", SITE, "--preset", "our-host").status == 0
    assert shown(office)["details"]["access_provider"] == "Our Host"
    own.write_text("[our-host]\naccess_provider = 1\n")
    done = office("filing", "set", SITE, "--preset", "our-host")
    assert done.status == 1
    assert "our-host" in done.err


def test_a_server_is_kept_with_its_place_and_what_changes_of_it(office: Cli) -> None:
    office("filing", "server", SITE, "main", "--ip", "192.0.2.1", "--province", "广东")
    office("filing", "server", SITE, "main", "--city", "深圳", "--count", "2")
    assert json.loads(shown(office)["details"]["server.main"]) == {
        "ip": "192.0.2.1", "province": "广东", "city": "深圳", "count": "2",
    }  # fmt: skip
    assert office("filing", "server", SITE, "main").status == 2
    assert office("filing", "server", SITE, "Main", "--ip", "192.0.2.1").status == 2
    assert office("filing", "server", SITE, "main", "--ip", "192.0.2.1", "--remove").status == 2
    office("filing", "server", SITE, "main", "--remove")
    assert shown(office)["details"] == {}


def test_a_document_is_kept_by_its_digest_with_its_last_day(office: Cli, tmp_path: Path) -> None:
    file = tmp_path / "contract.pdf"
    file.write_bytes(b"a contract")
    done = office(
        "filing", "document", SITE, "contract", str(file), "--kind", "access_contract",
        "--expires", "2026-12-31",
    )  # fmt: skip
    assert done.status == 0, done.err
    assert json.loads(shown(office)["details"]["document.contract"]) == {
        "kind": "access_contract",
        "digest": hashlib.sha256(b"a contract").hexdigest(),
        "size": "10",
        "expires_on": "2026-12-31",
    }
    wrong = office("filing", "document", SITE, "contract", "--kind", "letter")
    assert (wrong.status, "access_contract" in wrong.err) == (2, True)
    assert office("filing", "document", SITE, "contract", "--expires", "soon").status == 2
    assert office("filing", "document", SITE, "contract", str(tmp_path / "none")).status == 2


def test_the_checks_say_what_is_wrong_with_their_sources_and_exit_5(office: Cli) -> None:
    assert office("filing", "check", SITE).status == 0
    office("filing", "set", SITE, f"responsible_phone={FALSE_PHONE}", "nature=commercial")
    done = office("filing", "check", SITE)
    assert done.status == 5
    assert done.out.startswith("wrong\t")
    document = office("filing", "check", SITE, "--json").json
    [phone] = [each for each in document["findings"] if each["field"] == "responsible_phone"]
    assert phone["verdict"] == "wrong"
    assert phone["false"] is True
    assert FALSE_PHONE not in json.dumps(document)
    assert phone["source"]
    assert phone["sentence"]


def test_a_suspicion_waits_in_the_queue_and_only_a_person_confirms_it(office: Cli) -> None:
    done = office("filing", "set", SITE, f"responsible_phone={FALSE_PHONE}")
    assert (
        "An automatic check suspects that the responsible person's phone number of shop.example"
        " is false" in done.out
    )
    [item] = office("queue", "--json").json["items"]
    assert (item["kind"], item["filing"][0]) == ("suspicion", "responsible_phone")
    assert item["next"] == "incidents filing check shop.example"
    assert office("site", "show", SITE, "--json").json["state"] == "active"
    closed = office(
        "site", "false-info", SITE, "--field", "responsible_phone", "--evidence", "rings nowhere",
        "--confirm", SITE,
    )  # fmt: skip
    assert closed.status == 0
    assert office("site", "show", SITE, "--json").json["rule"] == "false_info"


def test_the_story_tells_what_was_filed_and_by_whom(office: Cli) -> None:
    office("filing", "set", SITE, "level=3", "nature=commercial")
    office("filing", "set", SITE, "level=")
    told = office("site", "why", SITE).out
    assert "Filing of shop.example changed: site level, site nature" in told
    assert "Filing of shop.example changed: site level (deleted)" in told


def test_terms_are_listed_with_the_days_that_are_left_and_as_a_calendar(
    office: Cli, tmp_path: Path, clock: FrozenDateTimeFactory
) -> None:
    office("filing", "set", SITE, "opened_on=2026-02-10")
    [term] = office("filing", "terms", "--json").json
    assert (term["site"], term["due_on"], term["days_left"]) == (SITE, "2026-03-12", 10)
    assert office("filing", "terms", "--days", "9", "-q").out == ""
    assert office("filing", "terms", "--days", "10", "-q").out == f"{SITE}\n"
    clock.move_to(NOON.replace(day=13))
    assert "1 d over" in office("filing", "terms").out
    file = tmp_path / "terms.ics"
    office("filing", "terms", "--ics", str(file))
    lines = file.read_bytes().decode().split("\r\n")
    assert "DTSTART;VALUE=DATE:20260312" in lines
    assert "DTEND;VALUE=DATE:20260313" in lines
    assert all(len(line.encode()) <= 75 for line in lines)


def test_daemon_once_reminds_of_what_is_due(office: Cli) -> None:
    office("filing", "set", SITE, "opened_on=2026-02-10")
    assert office("daemon", "--once").status == 0
    [item] = office("queue", "--json").json["items"]
    assert (item["kind"], item["filing"]) == ("file", ["2026-03-12"])
    assert item["next"] == "incidents filing set shop.example filed_on=DAY"
    office("filing", "set", SITE, "filed_on=2026-03-02")
    assert office("queue", "--json").json["items"] == []


def test_a_customer_list_is_taken_in_and_again_changes_nothing(office: Cli, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text(
        "域名,网站性质,负责人姓名,opened_on\nshop.example,经营性,张三,2026/2/1\n"
        "new.example,非经营性,李四,\n",
        encoding="gb18030",
    )
    refused = office("filing", "import", str(file))
    assert refused.status == 1
    assert "new.example" in refused.out + refused.err
    assert shown(office)["details"] == {
        "nature": "commercial", "opened_on": "2026-02-01", "responsible_name": "张三",
    }  # fmt: skip
    added = office("filing", "import", str(file), "--add-sites")
    assert (added.status, added.err) == (0, "2 rows: 1 added, 1 unchanged\n")
    assert shown(office, "new.example")["details"]["responsible_name"] == "李四"
    assert "2 unchanged" in office("filing", "import", str(file)).err


def test_a_column_that_is_no_field_refuses_the_list_or_is_ignored_and_named(
    office: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("site,opend_on,colour\nshop.example,2026-02-01,red\n")
    refused = office("filing", "import", str(file))
    assert refused.status == 1
    assert "did you mean opened_on, 网站开通日期?): rename it, or ignore unknown" in refused.err
    taken = office("filing", "import", str(file), "--ignore-columns")
    assert taken.status == 0
    assert "ignored columns that match no field: opend_on, colour\n" in taken.err
    assert "1 unchanged" in taken.err


def test_a_dry_run_lists_every_row_with_its_findings_and_does_nothing(
    office: Cli, tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["site", "responsible_phone", "level"], [SITE, FALSE_PHONE, 3],
                ["not a name", "", ""], ["b.example", "", "9"]):  # fmt: skip
        sheet.append(row)
    file = tmp_path / "list.xlsx"
    book.save(file)
    done = office("filing", "import", str(file), "--dry-run", "--json")
    rows = done.json
    assert [(row["row"], row["outcome"]) for row in rows] == [
        (2, "changed"), (3, "unreadable"), (4, "unreadable"),
    ]  # fmt: skip
    assert [each["field"] for each in rows[0]["findings"] if each["verdict"] == "wrong"] == [
        "responsible_phone"
    ]
    assert rows[1]["problems"][0]["value"] == "not a name"
    assert done.status == 1
    told = office("filing", "import", str(file), "--dry-run")
    assert "row 2: shop.example: would be changed (level, responsible_phone)" in told.out
    assert "nothing was changed (--dry-run)" in told.err
    assert shown(office)["details"] == {}


def test_bad_rows_stop_an_import_before_anything_is_written_or_are_left_out(
    office: Cli, tmp_path: Path
) -> None:
    file = tmp_path / "list.csv"
    file.write_text("site,opened_on\nshop.example,2026-02-01\nb.example,some day\n")
    done = office("filing", "import", str(file))
    assert done.status == 1
    assert "row 3: opened_on: 'some day'" in done.err
    assert shown(office)["details"] == {}
    done = office("filing", "import", str(file), "--skip-bad")
    assert (done.status, "row 3" in done.out) == (0, True)
    assert shown(office)["details"] == {"opened_on": "2026-02-01"}


@pytest.mark.parametrize("form", ["json", "jsonl", "csv"])
def test_an_export_is_read_again_unchanged(form: str, office: Cli, tmp_path: Path) -> None:
    office("filing", "set", SITE, "level_reason==1+1", "registrar=万网", "nature=commercial")
    office("filing", "server", SITE, "main", "--ip", "192.0.2.1")
    before = shown(office)["details"]
    file = tmp_path / "list"
    assert office("filing", "export", "--format", form, "-o", str(file)).status == 0
    assert "1 unchanged" in office("filing", "import", str(file)).err
    office("filing", "set", SITE, *(f"{key}=" for key in before))
    assert shown(office)["details"] == {}
    assert "1 changed" in office("filing", "import", str(file)).err
    assert shown(office)["details"] == before


def test_a_list_comes_through_a_pipe_too(office: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    class Piped(io.StringIO):
        buffer = io.BytesIO(b"site,level\nshop.example,3\n")

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr("io.StringIO", Piped)
    assert "1 changed" in office("filing", "import", "-").err


def test_a_file_that_is_no_list_is_told(office: Cli, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("site,colour\nshop.example,red\n")
    done = office("filing", "import", str(file))
    assert done.status == 1
    assert "colour" in done.err
    assert office("filing", "import", str(tmp_path / "none.csv")).status == 1


def test_the_form_and_the_snippet_are_written_for_what_is_on_record(
    office: Cli, tmp_path: Path
) -> None:
    assert office("filing", "snippet", SITE).status == 3
    office("filing", "set", SITE, "public_security_number=京公网安备11010502000001号",
           "icp_number=京ICP备12345678号-1", "subject_name=<b>某公司</b>")  # fmt: skip
    page = tmp_path / "form.html"
    assert office("filing", "form", SITE, "-o", str(page)).status == 0
    assert "&lt;b&gt;某公司&lt;/b&gt;" in page.read_text(encoding="utf-8")
    written = tmp_path / "foot.html"
    assert office("filing", "snippet", SITE, "-o", str(written)).status == 0
    assert office("filing", "check-footer", str(written), "--site", SITE).status == 0


def test_the_fields_are_listed_in_the_order_of_the_form(office: Cli) -> None:
    keys = office("filing", "fields", "-q").out.splitlines()
    assert keys[0] == "subject_kind"
    assert len(keys) == len(set(keys)) > 30
    assert office("filing", "fields", "--json").json[0]["choices"] == ["company", "person"]


def test_what_the_form_calls_a_detail_and_its_words_are_understood(office: Cli) -> None:
    done = office(
        "filing", "set", SITE, "网站级别=三级", "服务类型=网上商城", "网站开通日期=2026年2月1日"
    )
    assert done.status == 0, done.err
    assert shown(office)["details"] == {
        "level": "3", "service_type": "shop", "opened_on": "2026-02-01",
    }  # fmt: skip


def test_days_in_the_wrong_order_are_told_at_once(office: Cli) -> None:
    office("filing", "set", SITE, "opened_on=2026-02-01")
    done = office("filing", "set", SITE, "filed_on=2026-01-01")
    assert done.status == 0
    assert done.err.startswith("wrong: filed_on: ")
