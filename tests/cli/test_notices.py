"""The notices on the command line: each can be seen before it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents.notices.notice_types import NOTICES
from tests.cli.conftest import Cli
from tests.conftest import WriteSettings


@pytest.fixture
def templates(tmp_path: Path, write_settings: WriteSettings) -> Path:
    """A folder of one's own templates, which the settings name."""
    folder = tmp_path / "templates"
    (folder / "en").mkdir(parents=True)
    write_settings(f'[notices]\ndesk_name = "Example Hosting"\ntemplates = "{folder}"\n')
    return folder


def test_each_notice_is_shown_in_both_languages_with_made_up_facts(cli: Cli) -> None:
    shown = cli("notices", "preview")
    assert shown.status == 0
    for name in NOTICES:
        assert f"{name} (zh_CN)\n" in shown.out
        assert f"{name} (en)\n" in shown.out
    assert "shop.example" in shown.out
    assert "不提供售后服务，不予退款" in shown.out


def test_one_notice_in_one_language(cli: Cli) -> None:
    shown = cli("notices", "preview", "closed", "--language", "en")
    assert shown.out.startswith("closed (en)\nSite closed: shop.example (12-o45)\n\nDear 张三,")
    assert "关闭" not in shown.out


def test_a_preview_opens_no_database(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENTS_DB", "sqlite:////nothing/there.db")
    assert cli("notices", "preview", "closed").status == 0


def test_times_are_told_in_the_display_zone(cli: Cli) -> None:
    shown = cli("notices", "preview", "closed", "--language", "en", "--zone", "Europe/Berlin")
    assert "was closed at 2026-03-02 05:00 (Europe/Berlin)" in shown.out


def test_the_page_is_html(cli: Cli) -> None:
    shown = cli("notices", "preview", "closed", "--html")
    assert shown.out.startswith("<!DOCTYPE html>\n")
    assert '<div lang="zh-CN">' in shown.out
    assert '<div lang="en">' in shown.out
    alone = cli("notices", "preview", "closed", "--html", "--language", "en")
    assert "zh-CN" not in alone.out
    refused = cli("notices", "preview", "--html")
    assert (refused.status, refused.out) == (2, "")
    assert "--html shows one notice: give its NAME" in refused.err


def test_programs_get_documents(cli: Cli) -> None:
    found = cli("notices", "preview", "closed", "--json").json
    assert [(each["notice"], each["to"], each["language"]) for each in found] == [
        ("closed", "customer", "zh_CN"), ("closed", "customer", "en"),
    ]  # fmt: skip
    assert found[0]["subject"] == "网站关闭通知：shop.example（编号 12-o45）"
    assert set(found[0]) == {"notice", "to", "language", "subject", "text", "html"}
    listed = cli("notices", "list", "--json").json
    assert [each["notice"] for each in listed] == list(NOTICES)
    assert listed[0] == {
        "notice": "violation_found", "to": "customer", "when": "a violation is logged", "own": [],
        "unset": "[notices] channels",
    }  # fmt: skip
    assert cli("notices", "list", "-q").out.split() == list(NOTICES)
    assert cli("notices", "preview", "-q").out.split() == list(NOTICES)


def test_the_list_says_to_whom_no_channel_is_set(cli: Cli, write_settings: WriteSettings) -> None:
    to_customer = (
        "no channel is set for notices to the customer ([notices] channels in the settings): these"
        " notices wait until one is set\n"
    )
    to_desk = to_customer.replace("the customer", "the desk").replace("[notices]", "[alarms]")
    assert cli("notices", "list").err == to_customer + to_desk
    write_settings('[notices]\nchannels = ["mail"]\n')
    assert cli("notices", "list").err == to_desk
    listed = {each["notice"]: each for each in cli("notices", "list", "--json").json}
    assert listed["alarm"]["unset"] == "[alarms] channels"
    assert "unset" not in listed["closed"]
    assert "unset" not in listed["call_script"]


def test_a_real_incident_is_told_as_it_is_on_record(cli: Cli, clock: FrozenDateTimeFactory) -> None:
    cli("site", "add", "one.example", "--person", "李四", "--email", "li@one.example")
    cli("log", "one.example", "--url", "https://one.example/x", "--category", "gambling")
    for args in (("--incident", "1-1"), ("--site", "one.example")):
        shown = cli("notices", "preview", "violation_found", "--language", "zh_CN", *args)
        assert shown.status == 0
        assert "违规信息通知：one.example（编号 1-1）" in shown.out
        assert "尊敬的网站负责人 李四：" in shown.out
        assert "- https://one.example/x" in shown.out
        assert "须在 2026-03-02 13:00（北京时间）前" in shown.out
        assert "shop.example" not in shown.out
        assert "li@one.example" not in shown.out
        assert shown.err == ""


def test_a_suspension_is_told_as_it_was_ordered_with_the_customer_s_own_page(
    cli: Cli, clock: FrozenDateTimeFactory, write_settings: WriteSettings
) -> None:
    address, secret = "https://desk.host.example", "s" * 32
    write_settings(f'[customer]\nbase_url = "{address}"\nsecret = "{secret}"\n')
    cli("site", "add", "one.example")
    cli("log", "one.example")
    clock.tick(3601)
    cli("daemon", "--once")
    shown = cli("notices", "preview", "suspended", "--language", "en", "--site", "one.example")
    assert "suspended at 2026-03-02 13:00:01 (Beijing time), until 2026-03-03 01:00:01" in shown.out
    assert f"{address}/c/1-1." in shown.out
    assert shown.err == ""
    made_up = cli("notices", "preview", "closed", "--language", "en", "--site", "one.example")
    assert made_up.err == (
        "notices with example times and reasons, because the record has no real ones: closed\n"
    )


def test_every_notice_can_be_shown_of_a_real_incident_however_it_stands(
    cli: Cli, clock: FrozenDateTimeFactory
) -> None:
    cli("site", "add", "one.example")
    cli("log", "one.example")
    for act in ((), ("contact", "1-1", "reached"),
                ("refused", "1-1", "--confirm", "one.example")):  # fmt: skip
        if act:
            assert cli(*act).status == 0
        shown = cli("notices", "preview", "--incident", "1-1", "--json")
        assert shown.status == 0
        assert len(shown.json) == 2 * len(NOTICES)
        for each in shown.json:
            assert "shop.example" not in each["text"]
    closed = cli("notices", "preview", "closed", "--incident", "1-1", "--language", "en").out
    assert "not deleted after the responsible person had been told by phone" in closed


def test_a_site_without_an_incident_is_shown_with_made_up_facts(cli: Cli) -> None:
    cli("site", "add", "one.example")
    shown = cli("notices", "preview", "closed", "--site", "one.example")
    assert shown.status == 0
    assert "shop.example" in shown.out
    assert (
        "notices with example times and reasons, because the record has no real ones: closed"
        in shown.err
    )


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        (["--incident", "9-9"], 3, "no incident 9-9\n"),
        (["--incident", "nothing"], 3, "no incident named 'nothing'"),
        (["--site", "two.example"], 3, "no site named two.example"),
        (["--site", "one.example", "--incident", "1-1"], 2, "give either --site or --incident"),
        (["nothing"], 2, "nothing"),
        (["--language", "fr"], 2, "fr"),
    ],
)
def test_what_is_not_there_is_refused(args: list[str], status: int, said: str, cli: Cli) -> None:
    shown = cli("notices", "preview", *args)
    assert (shown.status, shown.out) == (status, "")
    assert said in shown.err


def test_one_s_own_template_is_shown_and_named(cli: Cli, templates: Path) -> None:
    file = templates / "en/closed.txt.jinja"
    file.write_text("Bye, {{ site }}\n\n{{ office.name }}\n")
    shown = cli("notices", "preview", "closed", "--language", "en")
    assert shown.out == "closed (en)\nBye, shop.example\n\nExample Hosting\n\n"
    [line] = [line for line in cli("notices", "list").out.splitlines() if str(file) in line]
    assert line.startswith("closed\tcustomer\t")


def test_a_template_that_is_wrong_is_told_in_one_sentence(cli: Cli, templates: Path) -> None:
    file = templates / "en/closed.txt.jinja"
    file.write_text("Bye\n\n{{ ''.__class__ }}\n")
    shown = cli("notices", "preview", "closed")
    assert shown.status == 1
    assert shown.err == (
        f"incidents: the template {file} is wrong in line 3: access to attribute '__class__' of"
        " 'str' object is unsafe.\n"
    )
    error = cli("notices", "preview", "closed", "--json")
    assert '"name": "template"' in error.err
