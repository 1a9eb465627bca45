"""The documentation as a site: whole, searchable, and loaded from no other host."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

DOCS = ROOT / "docs"

_LOADED = re.compile(r"""<(?:script|img|link)\b[^>]*\b(?:src|href)=["']?(https?:[^"'> ]+)""")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(ROOT / "zensical.toml", folder)
    shutil.copytree(DOCS, folder / "docs")
    return folder


@pytest.fixture(scope="module")
def site(source: Path) -> Path:
    built = _build(source)
    assert built.returncode == 0, built.stdout + built.stderr
    return source / "site"


def test_every_page_is_on_the_site_and_in_its_navigation(site: Path) -> None:
    index = (site / "index.html").read_text(encoding="utf-8")
    pages = [page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")]
    for page in pages:
        if page != Path("README.html"):
            assert (site / page).is_file()
            assert f'href="{page.as_posix()}"' in index


def test_the_search_finds_a_page_by_its_words(site: Path) -> None:
    found = json.loads((site / "search.json").read_text(encoding="utf-8"))
    where = {
        item["location"].partition("#")[0]
        for item in found["items"]
        if "incidents audit verify" in item["text"]
    }
    assert "how-to/export-and-check.html" in where


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page in site.rglob("*.html"):
        assert _LOADED.findall(page.read_text(encoding="utf-8")) == []


def test_a_link_that_leads_nowhere_fails_the_build(source: Path, tmp_path: Path) -> None:
    shutil.copytree(
        source, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("site", ".cache")
    )
    with (tmp_path / "docs" / "README.md").open("a", encoding="utf-8") as page:
        page.write("\n[Nowhere](tutorial/nowhere.md)\n")
    built = _build(tmp_path)
    assert built.returncode != 0
    assert "page does not exist" in built.stdout + built.stderr


def _build(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
