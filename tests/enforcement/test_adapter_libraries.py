"""Adapters that need a library of their own: named when it is missing, loaded when it is needed."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from incidents.enforcement import routing
from tests.enforcement import own_adapter_rig

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
    assert f"pip install 'incidents[{extra}]'" in refused.value.message


def test_a_library_of_somebody_elses_adapter_is_in_no_extra_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(own_adapter_rig.install(tmp_path)))
    importlib.invalidate_caches()
    monkeypatch.setitem(sys.modules, "own_adapter", None)
    with pytest.raises(routing.MissingLibraryError) as refused:
        routing.read({"adapter": "panel", "panel": {"type": "own-panel"}})
    assert refused.value.message == (
        "the adapter 'panel' needs a library that is not installed (own_adapter):"
        " install it beside that adapter, which is not part of incidents"
    )


def test_no_library_is_loaded_before_it_is_needed() -> None:
    code = (
        "import sys, incidents.enforcement.powerdns.adapter, incidents.enforcement.cloud.adapter;"
        " print([m for m in sys.modules if m in ('h11', 'libcloud')])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
