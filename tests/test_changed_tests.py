"""What `scripts/test --changed` runs: on a small tree of made-up files, and on this checkout."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

from scripts import changed_tests
from scripts.changed_tests import Rank, chosen, not_run, seconds_of, touched
from scripts.dependencies import Dependencies, Texts, dependencies, read_tree
from tests import durations

pytest_plugins = ["pytester"]

TEXTS = {
    "incidents/__init__.py": "",
    "incidents/__main__.py": "",
    "incidents/cli/__init__.py": "",
    "incidents/cli/root.py": 'COMMANDS = {"claim": ("incidents.cli.orders:a", "Take an item.")}',
    "incidents/cli/orders.py": "",
    "incidents/desk/__init__.py": "",
    "incidents/desk/desk.py": "",
    "incidents/desk/letters.py": 'FOLDER = resources.files(__package__) / "templates"',
    "incidents/machine/decide.py": "",
    "incidents/machine/state.py": "",
    "tests/conftest.py": "def url(): ...",
    "tests/databases.py": "",
    "tests/cli/conftest.py": "def cli(url): ...",
    "tests/cli/test_queue.py": 'def test_one_is_mine(cli): cli("claim", "1-1")',
    "tests/cli/test_show.py": 'def test_it_is_shown(cli): cli("show", "1-1")',
    "tests/desk/rig.py": "",
    "tests/desk/test_desk.py": "",
    "tests/desk/test_at_once.py": "",
    "tests/fire/test_kills.py": 'run([sys.executable, "-m", "incidents", "daemon"])',
    "tests/machine/test_decide.py": "",
    "tests/machine/test_state.py": "",
    "tests/machine/test_words.py": 'import_module(f"incidents.machine.{name}")',
    "tests/store/test_leases.py": "def test_a_lease_ends(url): ...",
}
IMPORTS = {
    "incidents/__main__.py": {"incidents/cli/root.py"},
    "incidents/cli/orders.py": {"incidents/desk/desk.py"},
    "incidents/desk/desk.py": {"incidents/machine/decide.py"},
    "incidents/machine/decide.py": {"incidents/machine/state.py"},
    "tests/conftest.py": {"tests/databases.py"},
    "tests/cli/conftest.py": {"incidents/cli/root.py"},
    "tests/desk/rig.py": {"incidents/desk/desk.py"},
    "tests/desk/test_at_once.py": {"tests/desk/rig.py"},
    "tests/desk/test_desk.py": {"incidents/desk/desk.py"},
    "tests/machine/test_decide.py": {"incidents/machine/decide.py"},
    "tests/machine/test_state.py": {"incidents/machine/state.py"},
}
USES = dependencies(TEXTS, IMPORTS)


def _order(*changed: str) -> list[str]:
    ranks = touched(changed, TEXTS, USES)
    return sorted(ranks, key=lambda test: (ranks[test], test))


def test_the_mirroring_folder_comes_first_and_in_it_what_bears_the_name_then_the_fewest_uses() -> (
    None
):
    assert _order("incidents/machine/state.py") == [
        "tests/machine/test_state.py",
        "tests/machine/test_words.py",
        "tests/machine/test_decide.py",
        "tests/desk/test_desk.py",
        "tests/cli/test_queue.py",
        "tests/desk/test_at_once.py",
        "tests/cli/test_show.py",
        "tests/fire/test_kills.py",
    ]


def test_a_test_file_that_has_changed_comes_before_all_and_touches_no_other() -> None:
    assert _order("tests/store/test_leases.py") == ["tests/store/test_leases.py"]
    both = _order("tests/store/test_leases.py", "incidents/machine/state.py")
    assert both[:2] == ["tests/store/test_leases.py", "tests/machine/test_state.py"]


def test_a_rig_touches_those_that_use_it_and_not_the_rest_of_its_folder() -> None:
    assert _order("tests/desk/rig.py") == ["tests/desk/test_at_once.py"]


def test_a_command_that_is_loaded_when_it_is_typed_touches_first_the_tests_that_type_it() -> None:
    ranks = touched(["incidents/cli/orders.py"], TEXTS, USES)
    assert ranks["tests/cli/test_queue.py"] == Rank(2, 1)
    assert ranks["tests/cli/test_show.py"] == Rank(2, 3)
    # The program as a whole is run here, in a process of its own.
    assert ranks["tests/fire/test_kills.py"] == Rank(3, 3)


def test_an_action_of_the_contract_is_a_command_of_its_own_module_or_of_their_maker() -> None:
    texts = {
        **TEXTS,
        "incidents/cli/root.py": 'COMMANDS = {"claim": action("claim", "incidents.cli.orders:a")}',
        "incidents/cli/action_helps.py": 'ACTION_HELPS = {"removed": "Record that it is gone."}',
        "incidents/cli/actions.py": "",
        "tests/cli/test_removed.py": 'def test_it_is_gone(cli): cli("removed", "1-1")',
    }
    found = dependencies(texts, IMPORTS)
    for module, test in ("orders", "queue"), ("actions", "removed"):
        ranks = touched([f"incidents/cli/{module}.py"], texts, found)
        assert ranks[f"tests/cli/test_{test}.py"] == Rank(2, 1)


def test_a_conftest_touches_its_folder() -> None:
    assert _order("tests/cli/conftest.py") == ["tests/cli/test_queue.py", "tests/cli/test_show.py"]


def test_what_the_root_conftest_imports_touches_all_and_first_those_that_ask_for_it() -> None:
    texts = {**TEXTS, "tests/files.py": ""}
    found = dependencies(texts, {**IMPORTS, "tests/databases.py": {"tests/files.py"}})
    for path in "tests/databases.py", "tests/files.py":
        ranks = touched([path], texts, found)
        order = sorted(ranks, key=lambda test: (ranks[test], test))
        assert order[:3] == [
            "tests/store/test_leases.py",
            "tests/cli/test_queue.py",
            "tests/cli/test_show.py",
        ]
        assert set(order) == {path for path in TEXTS if "/test_" in path}


def test_what_the_conftest_of_a_folder_imports_touches_those_that_ask_for_it() -> None:
    found = dependencies(TEXTS, {**IMPORTS, "tests/cli/conftest.py": {"tests/desk/rig.py"}})
    assert set(touched(["tests/desk/rig.py"], TEXTS, found)) == {
        "tests/desk/test_at_once.py",
        "tests/cli/test_queue.py",
        "tests/cli/test_show.py",
    }


def test_a_template_touches_who_names_its_folder_and_all_that_mirrors_the_room() -> None:
    assert touched(["incidents/desk/templates/en/closed.txt.jinja"], TEXTS, USES) == {
        "tests/desk/test_at_once.py": Rank(2, 99),
        "tests/desk/test_desk.py": Rank(2, 99),
    }
    user = "incidents/desk/desk.py"
    found = dependencies(TEXTS, {**IMPORTS, user: {"incidents/desk/letters.py"}})
    ranks = touched(["incidents/desk/templates/en/closed.txt.jinja"], TEXTS, found)
    assert ranks["tests/desk/test_desk.py"] == Rank(2, 2)


@pytest.mark.parametrize(
    "path", ["pyproject.toml", "requirements/dev.txt", "scripts/_setup", "tests/conftest.py"]
)
def test_what_all_stand_on_touches_everything(path: str) -> None:
    assert set(_order(path)) == {path for path in TEXTS if "/test_" in path}


def test_a_module_that_is_gone_touches_its_mirror_and_those_that_still_import_it() -> None:
    texts = {**TEXTS, "tests/cli/test_show.py": "from incidents.desk import gone"}
    assert set(touched(["incidents/desk/gone.py"], texts, dependencies(texts, IMPORTS))) == {
        "tests/desk/test_desk.py",
        "tests/desk/test_at_once.py",
        "tests/cli/test_show.py",
    }


def test_the_nearest_that_fit_are_chosen_and_the_changed_ones_in_any_case() -> None:
    ranks = {
        "own": Rank(0, 0),
        "far": Rank(3, 5),
        "long": Rank(2, 1),
        "b": Rank(3, 1),
        "a": Rank(3, 1),
    }
    seconds = {"own": 15.0, "long": 6.0, "a": 3.0, "b": 1.0, "far": 1.0}
    assert chosen(ranks, seconds, box_s=10) == ["own", "b", "a", "far"]
    assert chosen(ranks, seconds, box_s=11) == ["own", "long", "b"]
    assert chosen(ranks, seconds, box_s=0) == ["own"]


def test_a_file_that_has_not_run_yet_is_taken_to_be_as_long_as_those_beside_it() -> None:
    known = {"tests/fire/test_kills.py": 30.0, "tests/fire/test_steps.py": 50.0}
    assert seconds_of(["tests/fire/test_new.py", "tests/fire/test_kills.py"], known) == {
        "tests/fire/test_new.py": 40.0,
        "tests/fire/test_kills.py": 30.0,
    }


def test_what_is_not_run_is_named_by_folder() -> None:
    left = ["tests/cli/test_a.py", "tests/console/test_a.py", "tests/console/figures/test_b.py"]
    assert not_run(left) == "tests/console (2 files), tests/cli (1 file)"


def _commit_all(subject: str) -> None:
    who = ["-c", "user.name=li", "-c", "user.email=li@desk.example"]
    subprocess.run(["git", "add", "."], check=True)
    subprocess.run(["git", *who, "commit", "-q", "-m", subject], check=True)


def test_what_has_changed_is_what_is_not_committed_else_the_last_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    for name in "kept", "edited", "gone":
        Path(name).write_text("1")
        _commit_all(f"Add {name}")
    assert changed_tests.changed_since(None) == ["gone"]
    assert capsys.readouterr().out == "nothing differs from HEAD; its last commit: Add gone\n"
    Path("edited").write_text("2")
    Path("gone").unlink()
    Path("new").touch()
    assert changed_tests.changed_since(None) == ["edited", "gone", "new"]
    assert capsys.readouterr().out == ""
    _commit_all("another")
    assert changed_tests.changed_since(None) == ["edited", "gone", "new"]
    assert changed_tests.changed_since("HEAD") == []
    assert changed_tests.changed_since("HEAD~2") == ["edited", "new"]


def test_a_clone_without_the_commit_before_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q", "whole"], check=True)
    monkeypatch.chdir(tmp_path / "whole")
    for name in "one", "two":
        Path(name).touch()
        _commit_all(name)
    shallow = tmp_path / "shallow"
    clone = ["git", "clone", "-q", "--depth=1", f"file://{tmp_path / 'whole'}", str(shallow)]
    subprocess.run(clone, check=True)
    monkeypatch.chdir(shallow)
    with pytest.raises(SystemExit, match=r"not have the commit before .* git fetch --deepen=1"):
        changed_tests.changed_since(None)
    subprocess.run(["git", "fetch", "-q", "--deepen=1"], check=True)
    assert changed_tests.changed_since(None) == ["two"]


# ── this checkout ────────────────────────────────────────────────────────────────────────────────


@cache
def _checkout() -> tuple[Texts, Dependencies]:
    texts, imports = read_tree()
    return texts, dependencies(texts, imports)


def _nearest(path: str) -> list[str]:
    ranks = touched([path], *_checkout())
    return sorted(ranks, key=lambda test: (ranks[test], test))


def test_a_change_of_the_machine_runs_its_own_tests_first_and_reaches_far() -> None:
    nearest = _nearest("incidents/machine/decide.py")
    own = [test for test in nearest if test.startswith("tests/machine/")]
    assert nearest[: len(own)] == own
    assert {"tests/desk/test_batch.py", "tests/console/test_desk_browser.py"} < {*nearest}


def test_a_change_of_a_command_runs_the_tests_that_type_it_first() -> None:
    assert "tests/cli/test_notices.py" in _nearest("incidents/cli/admin/notices.py")[:3]
    assert "tests/cli/test_queue.py" in _nearest("incidents/cli/queue/queue.py")[:5]


def test_a_change_of_an_adapter_that_is_named_in_a_string_reaches_those_who_have_it_made() -> None:
    ranks = touched(["incidents/enforcement/nginx/adapter.py"], *_checkout())
    assert ranks["tests/enforcement/test_nginx.py"] == Rank(1, 1)
    assert ranks["tests/enforcement/test_own_adapter.py"] == Rank(2, 2)


def test_a_change_of_what_the_root_conftest_imports_reaches_all_tests() -> None:
    texts, _ = _checkout()
    tests = {path for path in texts if re.fullmatch(r"tests/(.*/)?test_\w+\.py", path)}
    for name in "compiled", "databases", "durations", "freezing":
        assert set(_nearest(f"tests/{name}.py")) == tests


def _script(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["scripts/test", *words], check=False, capture_output=True, text=True)


@pytest.mark.parametrize("other", ["--changed", "--coverage"])
def test_a_profile_of_what_has_none_is_refused(other: str) -> None:
    refused = _script("--profile", other)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert f"--profile does not work with {other}; use it alone" in refused.stderr


def test_help_names_the_ways_to_run_the_tests_before_it_points_to_pytest() -> None:
    lines = _script("--help").stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("  scripts/test --")] == [
        "--changed",
        "--long",
        "--coverage",
    ]
    assert lines[-1] == "For pytest's own options, run: scripts/test tests --help"


def test_what_each_file_takes_is_learned_unless_it_ran_in_part(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "from tests.durations import Durations\n"
        "def pytest_configure(config): config.pluginmanager.register(Durations(config))"
    )
    pytester.makeini("[pytest]\nmarkers = long")
    pytester.makepyfile(
        test_a="import time\ndef test_one(): time.sleep(0.02)\ndef test_two(): pass",
        test_b="import pytest\n@pytest.mark.long\ndef test_one(): pass",
    )
    pytester.inline_run("-k", "one")
    pytester.inline_run("test_a.py::test_one")
    assert durations.known() == {}
    pytester.inline_run()
    known = durations.known()
    assert known["test_a.py"] >= 0.02
    assert known["test_b.py"] == 0.0


def test_files_with_only_long_tests_are_no_failure_and_the_command_for_these_is_named(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    # To load all others costs seconds in each worker.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist.plugin")
    pytester.makeini("[pytest]\nmarkers = long")
    long = "import pytest\n@pytest.mark.long\ndef test_long(): assert False"
    pytester.makepyfile(test_long=long, test_failing="def test_failing(): assert False")
    assert changed_tests.run(["test_long.py"]) == 0
    assert "only long tests. To run them: scripts/test --long" in capfd.readouterr().out
    assert changed_tests.run(["test_long.py", "test_failing.py"]) == 1
    assert "only long tests" not in capfd.readouterr().out
