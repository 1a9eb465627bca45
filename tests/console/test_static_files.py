"""The static files: each is served under a name that its content gives it, and is what it says."""

import hashlib
import re
from pathlib import Path

from incidents.console import static_files

FOLDER = Path(static_files.__file__).with_name("static")


def test_each_library_is_the_one_whose_digest_and_licence_lie_beside_it() -> None:
    libraries = sorted(FOLDER.glob("*.min.js"))
    assert [library.name.partition("-")[0] for library in libraries] == ["htmx", "idiomorph"]
    for library in libraries:
        digest, name = library.with_name(f"{library.name}.sha256").read_text().split()
        assert name == library.name
        assert hashlib.sha256(library.read_bytes()).hexdigest() == digest
        version = library.name.removesuffix(".min.js")
        assert "Zero-Clause BSD" in (FOLDER / f"{version}.LICENSE.txt").read_text()


def test_another_content_has_another_address() -> None:
    paths = [file.path for file in static_files.STATIC_FILES.values()]
    assert len(set(paths)) == len(paths)
    for file in static_files.STATIC_FILES.values():
        assert hashlib.sha256(file.content).hexdigest().startswith(file.path.split("/")[2])


def test_nothing_is_fetched_from_elsewhere() -> None:
    own = [file for file in FOLDER.rglob("*.[cj]s*") if ".min." not in file.name]
    for file in [*own, *FOLDER.parent.glob("templates/*.jinja")]:
        found = re.findall(r"(?:https?:)?//[a-z0-9][\w.-]*\.\w+", file.read_text())
        assert found == [], (file, found)
