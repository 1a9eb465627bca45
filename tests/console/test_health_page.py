"""The settings' health, with a test of each part, and the notices as they will look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.notices.letter import LANGUAGES, NOTICES
from tests.served_desk import ConsoleDesk, Visitor, open_desk


def row(page: str, part: str) -> str:
    """The row of that part."""
    return page.partition(f"<tr><td>{part}")[2].partition("</tr>")[0]


@pytest.fixture
def faulty(db_url: str, tmp_path: Path) -> Iterator[ConsoleDesk]:
    """A desk whose settings a daemon would not take."""
    toml = '[alarms]\nchannels = ["nobody"]\n'
    with open_desk(db_url, tmp_path, toml, as_=ConsoleDesk) as opened:
        yield opened


def test_each_part_has_a_state_and_what_to_do(desk: ConsoleDesk) -> None:
    page = Visitor(desk, "supervisor").get("/admin/settings").text
    assert "OK" in row(page, "Database")
    assert "OK" in row(page, "Settings file")
    assert "Not set up" in row(page, "Log")
    assert "audit key new" in row(page, "Log")
    assert "Failed" in row(page, "Daemon"), "none has run"
    assert "Not set up" in row(page, "Witness")
    assert "Set up an adapter in [acts]" in row(page, "Adapter")
    assert "Nothing is sent: [alarms] channels" in row(page, "Alarm channels")


def test_settings_that_a_daemon_would_not_take_are_named(faulty: ConsoleDesk) -> None:
    wang = Visitor(faulty, "supervisor")
    page = wang.get("/admin/settings").text
    assert "Failed" in row(page, "Settings file")
    assert "the section [notices] of the settings file has no" in row(page, "Settings file")
    wang.post("/admin/settings/test/settings")
    assert 'class="said refused"' in wang.get("/admin/settings").text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("database", "The database accepts actions"),
        ("settings", "All settings are right."),
        ("adapters", "The adapters have all that they need here."),
        ("channels", "Nothing is sent: [alarms] channels names no channel."),
    ],
)
def test_a_part_is_tested(desk: ConsoleDesk, part: str, said: str) -> None:
    wang = Visitor(desk, "supervisor")
    wang.post(f"/admin/settings/test/{part}")
    assert said in wang.get("/admin/settings").text


def test_who_may_not_test_sees_neither_settings_nor_notices(desk: ConsoleDesk) -> None:
    li = Visitor(desk, "operator")
    paths = ("/admin/settings", "/admin/notices", "/admin/notices/closed")
    assert [li.get(path).status_code for path in paths] == [403] * 3
    assert li.post("/admin/settings/test/database").status_code == 403


def test_each_notice_is_shown_as_it_will_look_in_both_languages(desk: ConsoleDesk) -> None:
    wang = Visitor(desk, "supervisor")
    listed = wang.get("/admin/notices").text
    for notice in NOTICES:
        assert f'href="/admin/notices/{notice}"' in listed
        page = wang.get(f"/admin/notices/{notice}")
        assert (notice, page.status_code) == (notice, 200)
        for language in LANGUAGES:
            assert f'<p class="quote" lang="{language.replace("_", "-")}">' in page.text
    assert wang.get("/admin/notices/none").status_code == 404
