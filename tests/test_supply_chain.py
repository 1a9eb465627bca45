"""The supply chain: pins for production, their bill of materials, and what an audit says."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path

import pytest
from cyclonedx.validation.json import JsonStrictValidator

from scripts import audit
from scripts.generated import sbom
from tests.docs.pages import ROOT

REQUIREMENTS = ROOT / "requirements"


def pinned(name: str) -> audit.Pins:
    return audit.pins((REQUIREMENTS / name).read_text(encoding="utf-8"))


def test_production_runs_on_what_was_tested_and_on_nothing_that_only_tests_need() -> None:
    run, dev = pinned("run.txt"), pinned("dev.txt")
    assert run.items() <= dev.items()
    assert {"sqlalchemy", "uvicorn", "psycopg-binary", "zxcvbn"} <= run.keys()
    assert not {"pytest", "mypy", "hypothesis", "cyclonedx-python-lib"} & run.keys()


def test_all_is_every_extra_and_each_group_is_pinned_as_pyproject_declares_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"]
    [everything] = extras.pop("all")
    assert everything == f"incidents[{','.join(extras)}]"
    for group, wanted in project["dependency-groups"].items():
        names = {re.split(r"[\[<>=]", each)[0] for each in wanted if isinstance(each, str)}
        assert names <= pinned(f"{group}.txt").keys(), group


def test_the_bill_of_materials_is_valid_and_names_each_pin_and_each_vendored_script() -> None:
    text = (REQUIREMENTS / "sbom.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(sbom.SCHEMA).validate_str(text) is None
    found = json.loads(text)
    named = {each["bom-ref"] for each in found["components"]}
    pins = {f"pkg:pypi/{name}@{version}" for name, version in pinned("run.txt").items()}
    assert {each for each in named if each.startswith("pkg:pypi/")} == pins
    assert len(named - pins) == len(list(sbom.SCRIPTS.glob("*.min.js")))
    needs = {each["ref"]: each.get("dependsOn", []) for each in found["dependencies"]}
    reached, left = set[str](), {"incidents"}
    while left:
        reached |= left
        left = {each for one in left for each in needs[one]} - reached
    assert reached == named | {"incidents"}


PINS = {"one": "1.0", "two": "2.0"}
WEAK = {"id": "GHSA-1", "fix_versions": ["1.1"], "aliases": [], "description": ""}


def told(one: dict[str, object], two: dict[str, object]) -> str:
    whole = [{"name": "one", "version": "1.0", "vulns": []} | one,
             {"name": "two", "version": "2.0", "vulns": []} | two]  # fmt: skip
    return json.dumps({"dependencies": [each for each in whole if each["name"]], "fixes": []})


@pytest.mark.parametrize(("answer", "status", "said"), [
    (told({}, {}), 0, "clean: none of 2 libraries"),
    (told({"vulns": [WEAK]}, {}), 1, "one 1.0: GHSA-1, mended in 1.1"),
    (told({"vulns": [WEAK | {"fix_versions": []}]}, {"name": ""}), 1, "not checked: 1 of 2"),
    (told({}, {"name": ""}), 1, "not checked: 1 of 2"),
    (told({}, {"version": "2.1"}), 1, "not checked: 1 of 2"),
    ('{"dependencies": [{"name": "one", "skip_reason": "?"}]}', 1, "not checked: 2 of 2"),
    (told({}, {})[:-9], 1, "not checked"), ("", 1, "not checked"), ("[]", 1, "not checked"),
    ('{"dependencies": [7]}', 1, "not checked"), ("null", 1, "not checked"),
])  # fmt: skip
def test_an_audit_is_clean_only_if_each_pin_was_asked_about(
    answer: str, status: int, said: str
) -> None:
    found, lines = audit.verdict(PINS, answer)
    assert (found, said in "\n".join(lines)) == (status, True), lines
    assert ("clean" in "\n".join(lines)) == (status == 0)


@pytest.mark.parametrize("program", [
    ["/no/such/program"], [sys.executable, "-c", "raise SystemExit(1)"],
    [sys.executable, "-c", "import sys; open(sys.argv[-1], 'w').write('{')"],
])  # fmt: skip
def test_who_cannot_ask_is_told_that_nothing_was_checked(
    program: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert audit.main(program) == 1
    assert capsys.readouterr().out.startswith("not checked")


def test_no_test_of_a_change_asks_the_network_about_vulnerabilities() -> None:
    for script in (".ci/run", "scripts/test"):
        assert "--audit" not in Path(ROOT, script).read_text(encoding="utf-8")
