"""`python -m scripts.golden [--check]`: write the golden files anew, or say which are stale."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.golden import command_line, files, history, openapi


def made() -> dict[str, str]:
    """Each golden file with the text that the program gives it now."""
    return command_line.files() | openapi.files() | history.play().files


def main(arguments: list[str]) -> int:
    """Write what is stale; with `--check` say how it differs and exit with 1."""
    if arguments not in ([], ["--check"]):
        print("usage: scripts/golden [--check]", file=sys.stderr)
        return 2
    if not arguments:
        for name in files.write(made()):
            print(f"{(files.FOLDER / name).relative_to(Path.cwd())} written")
        return 0
    found = list(files.differences(made()))
    print(*found, sep="\n\n", end="\n" if found else "")
    return int(bool(found))


if __name__ == "__main__":
    # The output is English, whoever runs this.
    os.environ["LC_ALL"] = "C.UTF-8"
    sys.exit(main(sys.argv[1:]))
