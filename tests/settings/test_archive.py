"""The settings of the archive: a folder, and an age of at least thirty days."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents.settings import archive
from incidents.settings.archive import BadArchiveError


def test_parts_lie_beside_the_sqlite_file_unless_a_folder_is_named() -> None:
    assert archive.read({}, "sqlite:////srv/desk.db").folder == Path("/srv/archive")
    named = archive.read({"folder": "/mnt/parts"}, "sqlite:////srv/desk.db")
    assert named.folder == Path("/mnt/parts")


def test_entries_are_archived_after_four_hundred_days_unless_another_age_is_named() -> None:
    assert archive.read({}, None).after == timedelta(days=400)
    assert archive.read({"after": "30d"}, None).after == timedelta(days=30)


@pytest.mark.parametrize(
    "section",
    [
        {"after": "29d"}, {"after": "29d23h59m59s"}, {"after": 400}, {"after": ""},
        {"after": "40000d"}, {"folder": ""}, {"folder": 3}, {"keep": "400d"},
    ],
)  # fmt: skip
def test_another_value_or_key_is_an_error_that_says_what_to_write(section: dict[str, Any]) -> None:
    with pytest.raises(BadArchiveError, match=r'folder = "/a/folder", and\s+after = "400d"'):
        archive.read(section, None)
