"""Adapters that need a library of their own: named when it is missing, loaded when it is needed."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from incidents.enforcement import routing

ROOT = Path(__file__).parents[2]
GUIDES = {"powerdns": "suspend-in-powerdns", "cloud": "suspend-in-a-cloud"}


def shown(guide: str, folder: Path) -> dict[str, object]:
    """The section `[acts]` that the guide shows, its secrets in files of that folder."""
    for name in ("powerdns.key", "ecs.id", "ecs.secret"):
        (folder / name).write_text("not-to-be-shown\n")
    page = (ROOT / f"docs/how-to/{guide}.md").read_text()
    [block] = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    section: dict[str, object] = tomllib.loads(block.replace("/etc/incidents", str(folder)))["acts"]
    return section


@pytest.mark.parametrize("kind", GUIDES)
def test_the_settings_that_the_guide_shows_are_taken(kind: str, tmp_path: Path) -> None:
    section = shown(GUIDES[kind], tmp_path)
    assert routing.read(section).adapter_for("any.example").name == section["adapter"]


@pytest.mark.parametrize(
    ("kind", "library", "extra"),
    [
        ("powerdns", "h11", "webhook"),
        ("cloud", "libcloud.compute.base", "cloud"),
    ],
)
def test_a_missing_library_is_named_with_the_way_to_install_it(
    kind: str, library: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    for module in ("client", "connection"):
        monkeypatch.delitem(sys.modules, f"incidents.outbound.{module}", raising=False)
    with pytest.raises(routing.MissingLibraryError) as refused:
        routing.read(shown(GUIDES[kind], tmp_path))
    assert f"pip install '.[{extra}]'" in refused.value.message


def test_no_library_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, incidents.enforcement.powerdns.adapter, incidents.enforcement.cloud.adapter;"
        " print([m for m in sys.modules if m in ('h11', 'libcloud')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
