"""Fixtures of the tests of the notices: a desk with one customer, and a settings file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.views.day import Day
from tests.views.day import day as beginning


@pytest.fixture
def day(db_url: str) -> Iterator[Day]:
    """A desk with one site, whose person is on file."""
    with beginning(db_url) as begun:
        yield begun.add(person="张三", email="zhang@shop.example", phone="+86 10 5555 0101")


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], dict[str, str]]:
    """The environment of a settings file with that text."""

    def write(text: str) -> dict[str, str]:
        (tmp_path / "config.toml").write_text(text, encoding="utf-8")
        return {"INCIDENTS_CONFIG": str(tmp_path / "config.toml")}

    return write
