"""The entrance: an address signs one person in, once, within half an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents.accounts.entrance import PATH, VALID_FOR, Entrance

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def entrance(tmp_path: Path) -> Entrance:
    return Entrance(tmp_path, lambda: NOW)


def test_an_address_is_for_one_person_and_used_up_by_the_first_visit(entrance: Entrance) -> None:
    secrets = [entrance.path_for(who).removeprefix(PATH) for who in ("operator-1", "supervisor-1")]
    assert [entrance.enter(each) for each in secrets] == ["operator-1", "supervisor-1"]
    assert [entrance.enter(each) for each in secrets] == [None, None]


def test_an_address_that_nobody_used_in_half_an_hour_is_too_old(entrance: Entrance) -> None:
    kept, late = (entrance.path_for("operator-1").removeprefix(PATH) for _ in range(2))
    in_time = Entrance(entrance.folder, lambda: NOW + VALID_FOR - timedelta(seconds=1))
    too_late = Entrance(entrance.folder, lambda: NOW + VALID_FOR)
    assert too_late.enter(late) is None
    assert in_time.enter(kept) == "operator-1"


@pytest.mark.parametrize("secret", ["", ".", "../config.toml", "a\0b", "x" * 300])
def test_nothing_but_a_secret_opens_it(entrance: Entrance, secret: str) -> None:
    entrance.path_for("operator-1")
    assert entrance.enter(secret) is None


def test_the_folder_holds_no_secret(entrance: Entrance) -> None:
    secret = entrance.path_for("operator-1").removeprefix(PATH)
    [file] = entrance.folder.iterdir()
    assert secret not in file.name + file.read_text(encoding="utf-8")
