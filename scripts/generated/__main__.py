"""`python -m scripts.generated [--check]`: make all pages and pictures, or say which are stale."""

from __future__ import annotations

import os
import subprocess
import sys

from scripts.generated.pages import ROOT, stale


def main(arguments: list[str]) -> int:
    """Make what is stale; with `--check` say so and exit with 1."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/docs [--check]", file=sys.stderr)
        return 2
    found = list(stale())
    for file, text in found:
        name = file.relative_to(ROOT)
        if arguments:
            print(f"{name} is stale: scripts/docs makes it again")
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        print(f"{name} made")
    if not arguments and any(file.suffix == ".py" for file, _ in found):
        # The pages tell of the commands as those modules list them.
        return subprocess.run([sys.executable, "-m", "scripts.generated"], check=False).returncode
    return int(bool(found and arguments))


if __name__ == "__main__":
    # What is shown is English, whoever runs this.
    os.environ["LC_ALL"] = "C.UTF-8"
    sys.exit(main(sys.argv[1:]))
