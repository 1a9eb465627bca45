"""The filings over a server: asked, changed, taken in and given out as with a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from incidents.client import Client, ProblemError, imports
from incidents.errors import DONE, FAILED, NOT_VERIFIED, REFUSED
from tests.api.desk import fill
from tests.client.conftest import RemoteCli

SITE = "shop.example"
PHONE = "+86 138 0013 8000"
LIST = f"""\
site,level,responsible_phone,server.main.ip,server.main.place,opened_on
shop.example,3,{PHONE},192.0.2.71,"room 3, {PHONE}",2026-01-02
held.example,2,000 0000 0000,,,
nobody.example,2,,,,
closed.example,high,,,,
"""


@pytest.fixture
def desk(over: RemoteCli) -> RemoteCli:
    fill(over.api)
    for handle, role in (("sup", "supervisor"), ("panel", "integrator"), ("eye", "viewer")):
        over.account(handle, role)
    return over


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "list.csv"
    path.write_text(LIST, encoding="utf-8")
    return str(path)


def here(over: RemoteCli, *line: str) -> Any:
    """The same, typed with the database."""
    url = over.api.app.settings.db
    assert url is not None
    return over(*line, "--db", url)


def documents(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("at_once", [imports.LIST_ROWS_AT_ONCE, 1])
def test_a_list_comes_to_the_same_over_a_server_and_in_whatever_parts(
    desk: RemoteCli, file: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LIST_ROWS_AT_ONCE", at_once)
    for how in (("--dry-run",), ("--dry-run", "--add-sites")):
        line = ("filing", "import", file, "--format", "jsonl", *how)
        there, wanted = desk(*line, as_="sup"), here(desk, *line)
        assert documents(there.out) == documents(wanted.out), how
        assert (there.status, there.err) == (wanted.status, wanted.err)
    refused = desk("filing", "import", file, as_="sup")
    assert (refused.status, refused.err) == (FAILED, here(desk, "filing", "import", file).err)
    assert "row 5: level: 'high'" in refused.err
    done = desk("filing", "import", file, "--skip-bad", "--format", "jsonl", as_="panel")
    assert [(each["site"], each["outcome"]) for each in documents(done.out)] == [
        (SITE, "changed"), ("held.example", "changed"), ("nobody.example", "refused"),
        ("closed.example", "unreadable"),
    ]  # fmt: skip
    assert {each["actor"] for each in desk.api.entries("filing_changed")} == {"panel"}


def test_a_list_of_a_token_that_may_not_is_refused_in_words(desk: RemoteCli, file: str) -> None:
    refused = desk("filing", "import", file, "--skip-bad", as_="eye")
    assert refused.status == REFUSED
    assert "eye has the role viewer, which" in refused.err


def test_what_is_looked_at_reads_as_with_a_database(desk: RemoteCli, file: str) -> None:
    desk("filing", "import", file, "--skip-bad", as_="sup")
    desk("filing", "set", SITE, "icp_number=京ICP备12345678号", as_="sup")
    for line in (
        f"filing check {SITE}", "filing check held.example", f"filing check {SITE} --json",
        "filing terms", "filing terms --json", "filing terms --days 0", "filing fields",
        "filing presets", "filing presets --json", "filing export --format jsonl",
        "filing export --format csv", f"filing export {SITE} --format json",
        f"filing form {SITE}", f"filing snippet {SITE} --icon /i.png",
        "filing show nobody.example",
    ):  # fmt: skip
        words = line.split()
        there, wanted = desk(*words, as_="sup"), here(desk, *words)
        assert (there.status, there.out) == (wanted.status, wanted.out), (line, there.err)
    assert desk("filing", "check", "held.example", as_="eye").status == NOT_VERIFIED
    calendar = desk("filing", "terms", "--ics", "-", as_="eye")
    assert f"SUMMARY:{SITE}" in calendar.out


def test_what_is_shown_has_people_s_own_details_masked_and_is_else_the_same(
    desk: RemoteCli, file: str
) -> None:
    desk("filing", "import", file, "--skip-bad", as_="sup")
    there = desk("filing", "show", SITE, "--format", "json", as_="sup").json
    wanted = here(desk, "filing", "show", SITE, "--format", "json").json
    masked = {"responsible_phone": "+86 ••• •••• ••00"}
    masked["server.main"] = wanted["details"]["server.main"].replace(PHONE, "+86 ••• •••• ••00")
    assert there == wanted | {"details": wanted["details"] | masked}
    reveal, export = "view full numbers and addresses", "export the record"
    for who, line, act in (
        ("eye", f"filing form {SITE}", reveal),
        ("eye", "filing export", export),
        ("panel", f"filing form {SITE}", reveal),
    ):
        refused = desk(*line.split(), as_=who)
        assert (refused.status, refused.out) == (REFUSED, ""), line
        assert f"may not {act}: " in refused.err


def test_who_is_shown_no_place_of_a_server_changes_its_number_and_loses_no_place(
    desk: RemoteCli, file: str
) -> None:
    desk("filing", "import", file, "--skip-bad", as_="sup")
    changed = desk("filing", "server", SITE, "main", "--count", "2", as_="panel")
    assert changed.status == DONE, changed.err
    kept = json.loads(here(desk, "filing", "show", SITE, "--json").json["details"]["server.main"])
    assert kept == {"ip": "192.0.2.71", "place": f"room 3, {PHONE}", "count": "2"}
    desk("filing", "server", SITE, "main", "--remove", as_="panel")
    assert "server.main" not in here(desk, "filing", "show", SITE, "--json").json["details"]


def test_a_preset_is_the_server_s_and_what_cannot_be_filed_is_refused_in_words(
    desk: RemoteCli,
) -> None:
    done = desk("filing", "set", SITE, "--preset", "aliyun-access", as_="panel")
    assert done.status == DONE, done.err
    unknown = desk("filing", "set", SITE, "--preset", "nobody", as_="panel")
    assert (unknown.status, "no preset named 'nobody'" in unknown.err) == (REFUSED, True)
    for typed, told in (
        ("opened_on=2099-01-01", "is in the future"),
        ("server.main=soon", "is not valid; write a JSON object"),
    ):
        refused = desk("filing", "set", SITE, typed, as_="panel")
        assert (refused.status, told in refused.err) == (REFUSED, True), refused.err


def test_a_program_files_details_and_is_told_what_is_missing_and_what_is_due(
    desk: RemoteCli, server: str
) -> None:
    with Client(server, desk.api.token("panel")) as client:
        acted = client.file(SITE, {"opened_on": "2026-01-02", "server.main": {"count": "2"}})
        assert [each["kind"] for each in acted["events"]] == ["filing_changed"]
        found = client.filing(SITE)
        assert found["details"] == {"opened_on": "2026-01-02", "server.main": {"count": "2"}}
        assert found["missing"]
        assert [(each["site"], each["term"]) for each in client.filing_terms(limit=1)] == [
            (SITE, "file")
        ]
        client.file(SITE, {"opened_on": None, "responsible_phone": "000 0000 0000"})
        assert [each["false"] for each in client.filing_findings(SITE)] == [True]
        with pytest.raises(ProblemError) as refused:
            client.filing(SITE, reveal=True)
        assert refused.value.status == 403
