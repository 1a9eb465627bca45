"""The figures of the page name their commit, and `scripts/check` says how old they are."""

import json
from pathlib import Path

import pytest

from bench import checkout, hot_path, page
from tests.bench.repository import ROOT, Repository


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Stands in for this checkout."""
    made = Repository(tmp_path / "checkout")
    monkeypatch.setattr(checkout, "ROOT", made.folder)
    return made


def _age(repository: Repository, commit: str | None) -> str:
    file = repository.folder / "speed.json"
    file.write_text(json.dumps({"commit": commit} if commit else {}))
    return hot_path.age(file)


def test_the_age_of_the_figures_is_told_by_what_has_changed_on_the_hot_path(
    repository: Repository,
) -> None:
    measured = repository.commit(1.0)
    assert _age(repository, measured).endswith("; the hot path has not changed since")
    for name in (
        "incidents/desk/a.py",
        "incidents/desk/b.py",
        "incidents/record/sealing.py",
        "docs/c.md",
    ):
        repository.write(name, "")
    repository.commit(2.0)
    told = _age(repository, measured)
    assert f"speed.json measured {measured[:7]}; 3 files of the hot path have changed" in told
    assert "(incidents/desk: 2, incidents/record)" in told


def test_figures_of_a_commit_that_this_clone_lacks_are_of_unknown_age(
    repository: Repository,
) -> None:
    repository.commit(1.0)
    assert "measured 0000000, which this clone does not have" in _age(repository, "0" * 40)
    assert "does not name the commit" in _age(repository, None)


def test_the_hot_path_and_the_commit_of_the_page_are_there() -> None:
    assert [path for path in hot_path.PATHS if not (ROOT / path).exists()] == []
    assert len(json.loads(page.RESULTS.read_text(encoding="utf-8"))["commit"]) == 40


def test_results_outside_of_a_repository_name_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkout, "ROOT", tmp_path)
    assert checkout.state() == {"commit": None}
