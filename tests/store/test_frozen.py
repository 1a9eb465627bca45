"""The frozen databases and bundles in tests/frozen: old programs wrote them, this one reads them.

Each `facts.json` names the commit of the program. `scripts/freeze` adds the next one.
"""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zstandard
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, select

from incidents.audit import export
from incidents.audit.export import Selection
from incidents.audit.proof import bundle_verification as verify_bundle
from incidents.audit.proof import signed_check, verification
from incidents.audit.proof.bundle_archive import unpacked
from incidents.audit.proof.verdict import VerifyOptions
from incidents.audit.replay import Replay
from incidents.store.database import migration, schema
from incidents.store.database.engine import reading
from incidents.store.schema.tables import incidents, sites
from incidents.tlog.keys import VerifierKey
from incidents.values.ids import incident_id
from tests.audit import auditor
from tests.databases import Databases
from tests.store.conftest import Opener

FROZEN = Path(__file__).parents[1] / "frozen"
REVISIONS = sorted(folder.name for folder in FROZEN.glob("[0-9]*"))
# On PostgreSQL the oldest one takes each migration; those between it and the newest are `long`.
DATABASES = [
    *(pytest.param("sqlite", each) for each in REVISIONS),
    *(
        pytest.param(
            "postgresql", each, marks=[pytest.mark.long] if each in REVISIONS[1:-1] else []
        )
        for each in REVISIONS
    ),
]
BUNDLES = sorted(FROZEN.glob("*/*.tar.zst"))


def unpack(revision: str, name: str) -> bytes:
    return zstandard.decompress((FROZEN / revision / f"{name}.zst").read_bytes())


def restore(revision: str, url: str) -> None:
    """Fill the empty database with what is frozen of its kind."""
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).write_bytes(unpack(revision, "sqlite.db"))
    else:
        with psycopg.connect(url) as connection:
            connection.execute(unpack(revision, "postgresql.sql"))


def states(connection: Connection) -> dict[str, Any]:
    """The sites and their incidents, as facts.json has them."""
    found: dict[str, Any] = {}
    for row in connection.execute(select(sites)).mappings():
        names = ("state", "rule", "run", "held", "disputed")
        found[row["name"]] = {name: row[name] for name in names} | {"incidents": {}}
    query = select(sites.c.name, incidents).join(incidents, incidents.c.site_id == sites.c.id)
    for row in connection.execute(query).mappings():
        found[row["name"]]["incidents"][incident_id(row["site_id"], row["n"])] = row["state"]
    return found


def test_every_revision_has_a_frozen_database() -> None:
    scripts = ScriptDirectory.from_config(migration.config()).walk_revisions()
    assert sorted(script.revision for script in scripts) == REVISIONS, "run scripts/freeze"
    # Before the log of 0003 there was nothing to make a bundle of.
    assert sorted({bundle.parent.name for bundle in BUNDLES}) == REVISIONS[2:]


@pytest.mark.parametrize(("kind", "revision"), DATABASES)
def test_a_frozen_database_migrates_replays_verifies_and_keeps_its_states(
    opened: Opener, request: pytest.FixtureRequest, kind: str, revision: str
) -> None:
    databases: Databases = request.getfixturevalue(f"{kind}_databases")
    facts = json.loads((FROZEN / revision / "facts.json").read_text())
    with databases.empty() as url:
        restore(revision, url)
        engine = opened(url)
        keeps(engine, revision, facts)
        engine.dispose()


def keeps(engine: Engine, revision: str, facts: dict[str, Any]) -> None:
    schema.upgrade(engine)
    schema.check(engine)
    with reading(engine) as connection:
        replay = Replay(connection)
        assert list(replay.findings()) == []
        assert replay.entries == facts["entries"]
        assert states(connection) == facts["sites"]
        if engine.dialect.name == "sqlite":
            entries = b"".join(export.jsonl(export.stored(connection, Selection())))
            assert entries == unpack(revision, "entries.jsonl")
    assert verification.database(engine, VerifyOptions()).findings == ()


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda file: f"{file.parent.name}-{file.name}")
def test_a_frozen_bundle_verifies_with_this_program_and_with_the_script(bundle: Path) -> None:
    newest, first = (bundle.parent / "log.vkey").read_text().split()
    key, held = newest, []
    # A whole bundle alone leads from an old key and an old checkpoint to the present ones.
    if bundle.name == "bundle.tar.zst":
        key, held = first, [(bundle.parent / "held.checkpoint").read_bytes()]
    asked = VerifyOptions(
        keys=(VerifierKey.parse(key),),
        held=tuple(signed_check.read(note, "held") for note in held),
    )
    with unpacked(bundle) as folder:
        assert verify_bundle.bundle(folder, asked).findings == ()
        assert auditor.wrong(folder, keys=[key], held=held) == []
