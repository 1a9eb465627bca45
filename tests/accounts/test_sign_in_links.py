"""Sign-in links: each signs one person in, once, within half an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incidents.accounts.sign_in_links import PATH, VALID_FOR, SignInLinks

NOW = datetime(2026, 3, 1, 10, tzinfo=UTC)


@pytest.fixture
def links(tmp_path: Path) -> SignInLinks:
    return SignInLinks(tmp_path, lambda: NOW)


def test_a_link_is_for_one_person_and_used_up_by_the_first_visit(links: SignInLinks) -> None:
    secrets = [links.path_for(who).removeprefix(PATH) for who in ("operator-1", "supervisor-1")]
    assert [links.use(each) for each in secrets] == ["operator-1", "supervisor-1"]
    assert [links.use(each) for each in secrets] == [None, None]


def test_a_link_that_nobody_used_in_half_an_hour_is_too_old(links: SignInLinks) -> None:
    kept, late = (links.path_for("operator-1").removeprefix(PATH) for _ in range(2))
    in_time = SignInLinks(links.folder, lambda: NOW + VALID_FOR - timedelta(seconds=1))
    too_late = SignInLinks(links.folder, lambda: NOW + VALID_FOR)
    assert too_late.use(late) is None
    assert in_time.use(kept) == "operator-1"


@pytest.mark.parametrize("secret", ["", ".", "../config.toml", "a\0b", "x" * 300])
def test_nothing_but_a_secret_opens_it(links: SignInLinks, secret: str) -> None:
    links.path_for("operator-1")
    assert links.use(secret) is None


def test_the_folder_holds_no_secret(links: SignInLinks) -> None:
    secret = links.path_for("operator-1").removeprefix(PATH)
    [file] = links.folder.iterdir()
    assert secret not in file.name + file.read_text(encoding="utf-8")
