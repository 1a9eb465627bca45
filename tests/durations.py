"""The durations of test files: learned at each run, and kept in pytest's cache."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

_KEY = "durations/files"
_FILE = Path(".pytest_cache/v") / _KEY


class Durations:
    """A plugin of the process that hands out the tests: adds up the seconds of each file."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        # A file that is asked for and gets no result holds long tests alone.
        asked = (argument for argument in config.args if argument.endswith(".py"))
        self._seconds: defaultdict[str, float] = defaultdict(float, dict.fromkeys(asked, 0.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file = report.nodeid.partition("::")[0]
        # Long tests are left out of a run by their mark.
        self._seconds[file] += 0.0 if "long" in report.keywords else report.duration

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        cache = getattr(self._config, "cache", None)
        if cache is None or exitstatus > pytest.ExitCode.TESTS_FAILED or self._in_part(session):
            return
        known: dict[str, float] = cache.get(_KEY, {})
        # Mostly the machine slows a run down: a longer duration is taken over step by step.
        new = {
            file: round(min(seconds, known.get(file, seconds) * 1.2 + 0.1), 2)
            for file, seconds in self._seconds.items()
        }
        cache.set(_KEY, dict(sorted({**known, **new}.items())))

    def _in_part(self, session: pytest.Session) -> bool:
        """Whether a file that ran may have run in part, but for what is long."""
        options = self._config.option
        return bool(
            session.shouldstop
            or session.shouldfail
            or options.markexpr not in {"", "not long"}
            or any(vars(options).get(name) for name in ("keyword", "deselect", "lf", "stepwise"))
            or any("::" in argument for argument in self._config.args)
        )


def known() -> dict[str, float]:
    """The seconds of one worker by test file, as of the last runs in this checkout."""
    try:
        found: dict[str, float] = json.loads(_FILE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found
