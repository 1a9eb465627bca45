"""The next version of this program, as far as its schema goes: one more migration, a sample."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from incidents.store.database import revision, schema

_SAMPLE = '''"""A sample: a column more in each table, and a table.

Revision: {revision}
"""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{before}"
branch_labels = None
depends_on = None
expands = {expands}
{locks}

def _tables():
    there = sa.inspect(op.get_bind()).get_table_names()
    return [each for each in there if each not in ("alembic_version", "samples") {chosen}]


def upgrade():
    for table in _tables():
        op.add_column(table, sa.Column("sample", sa.Text()))
    op.create_table("samples", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade():
    op.drop_table("samples")
    for table in _tables():
        op.drop_column(table, "sample")
'''


def add_sample(folder: Path, *, expands: bool = True, locks: Sequence[str] = ()) -> str:
    """Write the next migration into the migrations' `folder`, and return its revision.

    It changes and locks all tables, or only those in `locks`.
    """
    before = max(each.name.partition("_")[0] for each in (folder / "versions").glob("[0-9]*.py"))
    after = f"{int(before) + 1:04}"
    sample = _SAMPLE.format(
        revision=after, before=before, expands=expands,
        locks=f"locks = {tuple(locks)}\n" if locks else "",
        chosen=f"and each in {tuple(locks)}" if locks else "",
    )  # fmt: skip
    (folder / "versions" / f"{after}_sample.py").write_text(sample)
    return after


class NewerProgram:
    """The program after this one, played by this process; its migrations are in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def runs(self, *, expands: bool = True, locks: Sequence[str] = ()) -> Iterator[None]:
        """Be that program within the block."""
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(revision.scripts(), self._folder)
        head = add_sample(self._folder, expands=expands, locks=locks)
        directory = ScriptDirectory(str(self._folder))
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(revision, "scripts", lambda: self._folder)
            patched.setattr(ScriptDirectory, "from_config", lambda _: directory)
            for module in (revision, schema):
                patched.setattr(module, "head", lambda: head)
            yield
