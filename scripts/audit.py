"""The audit of libraries that the program runs on, for known vulnerabilities.

`scripts/check --audit` runs it. pip-audit asks over the network, and exits with 1 both when it
finds one and when it could not ask; so its answer counts, and only one that names every pin.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

RUN = Path("requirements/run.txt")
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
_WITHIN_S = 600

Pins = Mapping[str, str]
"""The version of each library, by its name."""


def pins(text: str) -> Pins:
    """Return the pinned versions in a file of requirements."""
    return dict(_PIN.findall(text))


def verdict(wanted: Pins, answer: str) -> tuple[int, list[str]]:
    """Return the exit status and the text for an answer of pip-audit's, in JSON."""
    try:
        found = {each["name"]: each for each in json.loads(answer)["dependencies"]}
        versions = {name: each.get("version") for name, each in found.items()}
        weak = {name: each["vulns"] for name, each in found.items() if each.get("vulns")}
    except (ValueError, KeyError, TypeError, AttributeError):
        return 1, ["not checked: the answer of pip-audit is not whole"]
    lines = [_told(name, wanted.get(name), each) for name in sorted(weak) for each in weak[name]]
    if missing := sorted(name for name in wanted if versions.get(name) != wanted[name]):
        of = f"{len(missing)} of {len(wanted)}"
        return 1, [*lines, f"not checked: {of} libraries, {', '.join(missing)}"]
    if lines:
        return 1, lines
    return 0, [f"clean: none of {len(wanted)} libraries has a known vulnerability"]


def _told(name: str, version: str | None, vulnerability: Mapping[str, Any]) -> str:
    fixed = ", ".join(vulnerability.get("fix_versions") or ()) or "no version yet"
    return f"{name} {version}: {vulnerability['id']}, mended in {fixed}"


def ask(program: list[str], requirements: Path) -> str:
    """Return pip-audit's answer; empty if it could not be asked."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "answer.json")
        options = [
            "--requirement", str(requirements), "--require-hashes", "--disable-pip",
            "--progress-spinner", "off", "--format", "json", "--output", str(file),
        ]  # fmt: skip
        try:
            # Its own output is no answer: "none found" for libraries that it could not look up.
            done = subprocess.run(
                [*program, *options], check=False, timeout=_WITHIN_S, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
            return ""
        if not file.exists():
            print(done.stdout.strip(), file=sys.stderr)
            return ""
        return file.read_text(encoding="utf-8")


def main(program: list[str]) -> int:
    """Ask with that program, print the result, and return the exit status."""
    wanted = pins(RUN.read_text(encoding="utf-8"))
    status, lines = verdict(wanted, ask(program, RUN))
    print("\n".join(lines))
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
