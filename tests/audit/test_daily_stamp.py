"""One checkpoint a day is stamped, by a real authority, and the stamp goes out with the bundle."""

from pathlib import Path

import pytest

from incidents.audit.log import stamp
from incidents.audit.log.stamp import StampError
from incidents.audit.proof import bundle_writer
from incidents.store.database.engine import reading
from incidents.store.log import checkpoints
from tests.audit.log_rig import LogRig
from tests.audit.tsa import Tsa, server


@pytest.fixture(scope="module")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("stamps") / "tsa")


def test_what_is_not_signed_is_not_stamped(rig: LogRig, tsa: Tsa) -> None:
    rig.add()
    with tsa.serving() as authority:
        assert stamp.stamp_last(rig.engine, authority, rig.time.now) is None


def test_the_last_checkpoint_is_stamped_once_a_day(rig: LogRig, tsa: Tsa) -> None:
    rig.begin()
    with tsa.serving() as authority:
        first = stamp.stamp_last(rig.engine, authority, rig.time.now)
        assert first is not None
        rig.time.later(hours=23)
        rig.add()
        rig.sign()
        assert stamp.stamp_last(rig.engine, authority, rig.time.now) is None
        rig.time.later(hours=1)
        second = stamp.stamp_last(rig.engine, authority, rig.time.now)
    with reading(rig.engine) as connection:
        last = checkpoints.last(connection)
        assert checkpoints.last_stamped(connection) == second
    assert second is not None
    assert last is not None
    assert second.checkpoint == last.id > first.checkpoint
    assert tsa.verifies(second.response, last.note.partition("\n\n")[0] + "\n")


def test_an_authority_that_is_away_leaves_the_log_as_it_was(rig: LogRig, tsa: Tsa) -> None:
    rig.begin()
    with (
        server(lambda _: (503, b""), tsa.roots) as authority,
        pytest.raises(StampError, match="503"),
    ):
        stamp.stamp_last(rig.engine, authority, rig.time.now)
    with reading(rig.engine) as connection:
        assert checkpoints.last_stamped(connection) is None


def test_a_stamp_goes_out_with_the_bundle(rig: LogRig, tsa: Tsa, tmp_path: Path) -> None:
    rig.begin()
    with tsa.serving() as authority:
        made = stamp.stamp_last(rig.engine, authority, rig.time.now)
    assert made is not None
    with reading(rig.engine) as connection:
        bundle_writer.write(connection, tmp_path / "bundle", bundle_writer.Order())
    assert (tmp_path / "bundle/stamps/checkpoint.tsr").read_bytes() == made.response
