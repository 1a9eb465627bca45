"""The bill of materials (CycloneDX 1.6): the libraries of the program, and their dependencies.

It is made from the pins and from the scripts of others that come along: it carries no time, and no
number but one of its content.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from incidents import __version__

ROOT = Path(__file__).parents[2]
PINS = ROOT / "requirements" / "run.txt"
SCRIPTS = ROOT / "incidents" / "console" / "static"
SCHEMA = SchemaVersion.V1_6

_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)(.*?)(?=^[a-z]|\Z)", re.MULTILINE | re.DOTALL)
_VIA = re.compile(r"^ +# +(?:via +)?([a-z0-9-]+)(?: \(|$)", re.MULTILINE)
_SCRIPT = re.compile(r"(?P<name>.+)-(?P<version>\d+(?:\.\d+)+)\.min\.js")
_IN_NPM = {"htmx": "htmx.org"}


def text() -> str:
    """The document, as JSON."""
    pins = PINS.read_text(encoding="utf-8")
    own = Component(
        type=ComponentType.APPLICATION, name="incidents", version=__version__, bom_ref="incidents"
    )
    found = {name: _library("pypi", name, version) for name, version, _ in _PIN.findall(pins)}
    needs = {name: set(_VIA.findall(rest)) - {"via"} for name, _, rest in _PIN.findall(pins)}
    scripts = list(_scripts())
    bom = Bom(components=[*found.values(), *scripts])
    bom.metadata.component = own
    for needing in ("incidents", *found):
        needed = [each for name, each in found.items() if needing in needs[name]]
        if needing == "incidents":
            bom.register_dependency(own, [*needed, *scripts])
        else:
            bom.register_dependency(found[needing], needed)
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the same pins, the same document
    bom.serial_number = uuid5(NAMESPACE_URL, "\n".join(str(each.purl) for each in bom.components))
    return make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string(indent=2) + "\n"


def _library(kind: str, name: str, version: str, hashes: list[HashType] | None = None) -> Component:
    purl = PackageURL(type=kind, name=name, version=version)
    return Component(
        type=ComponentType.LIBRARY, name=name, version=version, purl=purl, bom_ref=str(purl),
        hashes=hashes,
    )  # fmt: skip


def _scripts() -> Iterator[Component]:
    """The vendored scripts that browsers receive."""
    for file in sorted(SCRIPTS.glob("*.min.js")):
        named = _SCRIPT.fullmatch(file.name)
        if named is None:
            raise ValueError(f"{file.name} is not called NAME-VERSION.min.js")
        name = _IN_NPM.get(named["name"], named["name"])
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=content)]
        yield _library("npm", name, named["version"], hashes)
