"""A small repository that stands in for this checkout, with a bench that measures at once."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]

# A bench that measures at once: what it tells comes out of a program that it has started.
_BENCH = """
import json, subprocess, sys
from pathlib import Path
started = [sys.executable, "-c", "import incidents; print(incidents.SPEED)"]
speed = float(subprocess.check_output(started))
row = {"label": "the desk", "role": "ours", "unit": "incidents/s", "samples": [speed]}
trial = {"scenario": sys.argv[1], "database": "sqlite", "title": "", "rows": [row], "failed": []}
file = Path(sys.argv[sys.argv.index("--json") + 1])
file.write_text(json.dumps({"trials": [trial], "machine": {"cores": 2}}))
"""


class Repository:
    """A checkout with a fake bench; `commit` writes the speed that its program tells."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("workers.py", "program.py"):
            self.write(f"bench/{name}", (ROOT / "bench" / name).read_text())
        self.write("bench/__init__.py", "")
        self.write("bench/__main__.py", _BENCH)
        self.write("bench/scenarios/__init__.py", 'NAMES = ("log_one", "fire")\n')
        self.write("requirements/bench.txt", "click==8.4.0 \\\n    --hash=sha256:0\n")
        self.git("init", "--quiet")

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, speed: float) -> str:
        self.write("incidents/__init__.py", f"SPEED = {speed}\n")
        self.git("add", "--all")
        who = ("-c", "user.name=bench", "-c", "user.email=bench@bench.example")
        self.git(*who, "commit", "--quiet", "--no-gpg-sign", "--message", f"{speed}")
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *words: str) -> str:
        return subprocess.check_output(["git", *words], cwd=self.folder, text=True)
