"""`audit verify` on what the export writes: what it counts, and what a part of it can show.

What both verifiers find right or wrong stands in test_bundle_alterations, _archives, _tampering.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from incidents.audit.export import Selection
from incidents.audit.proof import bundle_verification, signed_check, site_check
from incidents.audit.proof.bundle_archive import unpacked
from incidents.audit.proof.site_check import Since
from incidents.audit.proof.verdict import Verdict
from incidents.machine import commands as c
from incidents.views.case import case_report
from tests.audit import auditor, bundles, signed_log, verifying
from tests.audit.bundles import LOG, NEXT, WITNESS, Desk, Files
from tests.audit.histories import Histories
from tests.audit.signed_log import put_key, sign
from tests.audit.worker_threads import WorkerThread
from tests.desk.rehearsal import Rehearsal


def _handed_over(day: Rehearsal) -> None:
    """A log that is signed under a key that took the place of another."""
    signed_log.a_case(day)
    sign(day)
    put_key(day, NEXT, LOG)
    sign(day, LOG, NEXT)
    day.elapse()
    day.give(c.Log(by="li", again=True), "shop.example")
    sign(day, NEXT, witnesses=[WITNESS])


@pytest.fixture(scope="module")
def exported(histories: Histories, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of what was exported of it: whole and a part, both ways, and one that is late."""
    folder = tmp_path_factory.mktemp("exported")
    with histories.after(_handed_over) as day:
        for ending in ("", ".tar.zst"):
            signed_log.export(day, folder / f"whole{ending}")
            part = case_report.order(Selection(site_id=1))
            signed_log.export(day, folder / f"part{ending}", part)
        noon = day.now.replace(day=1, hour=10, minute=30)
        late = case_report.order(Selection(site_id=1, since=noon))
        signed_log.export(day, folder / "late", late)
    return folder


def _verified(folder: Path, known: str, *, processes: int | None = None) -> Verdict:
    asked = verifying.asking([known], policy=True)
    return bundle_verification.bundle(folder, asked, processes=processes)


def test_what_is_exported_is_verified_by_one_process_and_by_two(
    exported: Path, worker_threads: list[WorkerThread]
) -> None:
    found = _verified(exported / "whole", LOG.vkey)
    assert (found.findings, found.kind, found.sites, found.policies) == ((), "bundle", 2, 2)
    assert found.entries == found.size
    assert found.entries > 20
    assert (found.key, found.trusted) == (NEXT.vkey, "outside")
    assert _verified(exported / "whole", LOG.vkey, processes=2) == found
    assert len(worker_threads) == 2
    with unpacked(exported / "whole.tar.zst") as folder:
        assert _verified(folder, LOG.vkey) == found


def test_what_is_exported_is_verified_by_the_script_as_the_auditor_runs_it(exported: Path) -> None:
    for name, known in (("whole.tar.zst", LOG), ("part", NEXT)):
        ran = auditor.process(name, "--key", known.vkey, "--witness", WITNESS.vkey, cwd=exported)
        assert (ran.returncode, ran.stderr) == (0, "")
    for name, known in (("whole", LOG), ("part.tar.zst", NEXT), ("late", NEXT)):
        ran = auditor.run(name, "--key", known.vkey, cwd=exported)
        assert (ran.returncode, ran.stderr) == (0, "")


def test_a_part_is_verified_by_its_proofs_and_decided_again(exported: Path) -> None:
    found = _verified(exported / "part", NEXT.vkey)
    assert (found.findings, found.kind, found.sites, found.begun_late) == ((), "part", 1, 0)
    assert (found.periods, found.extras) == (False, ("report.html",))


def test_a_part_that_begins_later_says_so(exported: Path) -> None:
    found = _verified(exported / "late", NEXT.vkey)
    assert (found.findings, found.begun_late) == ((), 1)


# ── since a bundle that was verified before ──────────────────────────────────────────────────────


def _grown(day: Rehearsal) -> None:
    signed_log.a_case(day)
    sign(day)


@pytest.fixture
def grown(histories: Histories, tmp_path: Path) -> Path:
    """A folder with a whole bundle, and with a later one in which one site goes on."""
    with histories.after(_grown) as day:
        signed_log.export(day, tmp_path / "before")
        day.give(c.Log(by="li", again=True), "shop.example")
        sign(day)
        signed_log.export(day, tmp_path / "after")
        signed_log.export(day, tmp_path / "part", case_report.order(Selection(site_id=1)))
    return tmp_path


def _since(folder: Path, bundle: str) -> Verdict:
    before = signed_check.read((folder / "before/checkpoint").read_bytes(), "before")
    asked = replace(verifying.asking(policy=True), since=before)
    return bundle_verification.bundle(folder / bundle, asked)


def test_of_a_bundle_only_a_site_that_goes_on_is_decided_again(
    grown: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    near = _since(grown, "after")
    assert (near.findings, near.since) == ((), Since("before", 27, 2))
    monkeypatch.setattr(site_check, "WITHIN_AN_ACTION", 0)
    found = _since(grown, "after")
    assert (found.findings, found.since) == ((), Since("before", 27, 1))
    assert (found.sites, found.entries, found.agreeing) == (2, 28, ("before",))


def test_a_bundle_of_another_history_than_the_one_verified_before_is_decided_whole(
    grown: Path,
) -> None:
    forged = bundles.head([b"{}"] * 27, LOG)
    (grown / "before/checkpoint").write_bytes(forged)
    found = _since(grown, "after")
    assert found.since is None
    assert [str(flaw).partition(" is ")[0] for flaw in found.findings] == [
        "before: the root of the first 27 entries"
    ]


def test_of_a_part_nothing_is_taken_from_before(grown: Path) -> None:
    found = _since(grown, "part")
    assert found.since is None
    assert any("a part can be compared at the size" in str(flaw) for flaw in found.findings)


# ── what a part can show ─────────────────────────────────────────────────────────────────────────


def _own(desk: Desk) -> list[int]:
    return [n for n, entry in enumerate(desk.entries) if b'"site_id":"0"' in entry]


def _part(desk: Desk, indexes: list[int]) -> Files:
    """The part of these entries; each policy that one names is there."""
    files = bundles.part(desk, indexes)
    for digest, toml in desk.policies.items():
        if any(digest.encode() in desk.entries[n] for n in indexes):
            files[f"policies/{digest.removeprefix('sha256:')}.toml"] = toml.encode()
    return bundles.listed_again(files)


def test_a_part_does_not_show_which_policy_was_active_though_an_activation_is_in_it(
    desk: Desk, tmp_path: Path
) -> None:
    indexes = sorted({0, 1, *_own(desk)})
    folder = bundles.write(_part(desk, indexes), tmp_path / "b")
    found = bundle_verification.bundle(folder, verifying.asking(policy=True))
    assert (found.findings, found.periods) == ((), False)


def test_an_activation_that_follows_on_one_that_is_left_out_is_named(
    desk: Desk, tmp_path: Path
) -> None:
    own = next(n for n in _own(desk) if b'"policy_activated"' in desk.entries[n])
    first, second = sorted(
        desk.policies, key=lambda name: not bundles.is_documented(desk.policies[name])
    )
    back = bundles.edited(
        desk.entries[own], site_seq="9", policy=first,
        data={"previous": second, "text": "0" * 64, "toml": desk.policies[first]},
    )  # fmt: skip
    longer = desk.with_entries([*desk.entries, back])
    folder = bundles.write(_part(longer, [1, 20]), tmp_path / "b")
    found = verifying.wrong(folder, policy=True)
    said = f"the desk, entry 0-9, leaf 20: the active policy was {first}"
    assert any(flaw.startswith(said) for flaw in found), found


def test_two_sites_of_a_part_have_two_names(desk: Desk, tmp_path: Path) -> None:
    twice = desk.with_entries([*desk.entries, bundles.edited(desk.entries[0], site_id="9")])
    found = verifying.wrong(bundles.write(_part(twice, [0, 20]), tmp_path / "b"))
    assert len(found) == 1
    assert found[0].startswith("entries.jsonl, line 2: site ")
    assert found[0].endswith(" is called 'a.example' already")
