"""`incidents recover`: after an older database was put back, log and record go on, on record."""

import errno
import json
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from freezegun.api import FrozenDateTimeFactory

from incidents import clock
from incidents.cli.audit import verdicts
from incidents.enforcement import routing
from incidents.enforcement.port import State
from incidents.enforcement.routing import Routing
from incidents.errors import SettingsFileError
from incidents.store import monitoring
from incidents.store.database.engine import create, writing
from incidents.store.monitoring import Heartbeat
from tests.cli.conftest import Cli
from tests.enforcement.lost_rig import Receiver


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli) -> Path:
    """A desk whose database is older than what was signed of it."""
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    for command in (
        "db upgrade", "audit key new desk.example/log", "site add shop.example",
        "audit checkpoint", f"db backup {tmp_path}/older.db", "site add forum.example",
        "audit checkpoint",
    ):  # fmt: skip
        assert cli(*command.split()).status == 0, command
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/older.db")
    return tmp_path


def recover(cli: Cli) -> dict[str, object]:
    answer = cli("recover", "--reason", "the disk is gone", "--as", "sre-1", "--json")
    assert answer.status == 0, answer.err
    found: dict[str, object] = json.loads(answer.out)
    return found


def test_a_dry_run_says_that_a_new_key_would_sign(cli: Cli, folder: Path) -> None:
    line = ("recover", "--reason", "the disk is gone", "--dry-run")
    people, programs = cli(*line), cli(*line, "--json")
    assert "3 entries were signed, but some of them are now missing" in people.out
    assert "from then on, a new key would sign the log" in people.out
    assert (programs.json["new_key"], programs.json["signed"]) == (True, 3)
    assert "SIGNING STOPPED" in cli("audit", "status").err


def test_status_and_verify_say_what_is_missing_and_nothing_is_signed(
    cli: Cli, folder: Path
) -> None:
    status = cli("audit", "status")
    assert "SIGNING STOPPED: 3 entries were signed, but the log has 2" in status.err
    assert "signing: REFUSED" in status.out
    assert status.status == 5
    assert cli("audit", "status", "--json").json["signs"] is False
    answer = cli("audit", "verify")
    assert (answer.status, "3 entries were signed" in answer.out + answer.err) == (5, True)
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 5


def test_where_nothing_is_new_no_checkpoint_of_an_older_copy_is_given(
    cli: Cli, folder: Path
) -> None:
    answer = cli("audit", "checkpoint", "-o", str(folder / "given"))

    assert (answer.status, answer.out) == (5, "")
    assert "3 entries were signed, but the log has 2" in answer.err
    assert "incidents recover" in answer.err
    assert not (folder / "given").exists()


def test_entries_that_only_have_to_be_numbered_again_are_not_missing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standby that takes over may have heard of entries, and not of their numbers yet."""
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/desk.db")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(tmp_path / "audit.key"))
    for command in (
        "db upgrade", "audit key new desk.example/log", "audit checkpoint", "site add shop.example",
        f"db backup {tmp_path}/older.db", "audit checkpoint",
    ):  # fmt: skip
        assert cli(*command.split()).status == 0, command
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{tmp_path}/older.db")

    assert "SIGNING STOPPED" not in cli("audit", "status").err
    assert cli("audit", "checkpoint").status == 0
    assert cli("audit", "verify").status == 0


def test_what_is_missing_is_found_before_anything_is_numbered(cli: Cli, folder: Path) -> None:
    assert cli("site", "add", "blog.example").status == 0

    assert recover(cli)["signed"] == 3


def test_it_signs_what_is_left_by_a_new_key_and_puts_the_loss_on_record(
    cli: Cli, folder: Path
) -> None:
    [file] = folder.glob("audit.key.signed-*")
    signed = file.read_text()
    before = cli("audit", "key", "show", "-q").out

    done = recover(cli)

    assert (done["epoch"], done["cause"], done["signed"]) == (60, "asked", 3)
    assert str(done["key"]) not in before
    assert done["kept"] == str(file)
    assert file.read_text() == signed
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 0
    assert cli("audit", "verify").status == 0
    assert cli("audit", "replay").status == 0
    assert "epoch 60" in cli("audit", "status").out
    [told] = [
        entry
        for line in cli("audit", "export").out.splitlines()
        if (entry := json.loads(line))["kind"] == "history_resumed"
    ]
    assert (told["actor"], told["data"]["signed"]) == ("sre-1", 3)


def test_each_time_it_is_asked_for_the_numbers_of_orders_rise(cli: Cli, folder: Path) -> None:
    assert [recover(cli)["epoch"], recover(cli)["epoch"]] == [60, 61]


def test_who_may_not_read_what_was_signed_last_may_look_and_is_told_but_asks_for_no_checkpoint(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    refused = cli("audit", "checkpoint")
    assert (refused.status, refused.out) == (1, "")
    assert f"{folder} cannot be read: Permission denied" in refused.err
    for command in ("status", "verify"):
        answer = cli("audit", command)

        assert answer.status == 0
        assert "not compared with the last signature" in answer.err
        assert "Permission denied" in answer.err


def test_on_a_machine_that_does_not_sign_it_is_refused_until_that_is_said(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "other").mkdir()
    shutil.copy(folder / "audit.key", folder / "other")
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(folder / "other" / "audit.key"))

    answer = cli("recover", "--reason", "the disk is gone")

    assert (answer.status, "--sign-here" in answer.err) == (3, True)
    assert cli("audit", "status", "--json").json["resumed"] is None
    assert "--sign-here --reason R" in answer.err
    here = cli("recover", "--reason", "it burned", "--sign-here")
    assert here.status == 0
    assert "the last signature of the previous key is not known here" in here.out
    assert "from now on, desk.example/log+" in here.out
    assert "in epoch 60" in here.out
    assert "1 site: 0 matching, 0 ordered again" in here.out
    assert cli("site", "add", "blog.example").status == 0
    assert cli("audit", "checkpoint").status == 0


def test_a_checkpoint_that_verify_has_kept_of_what_is_lost_is_to_be_moved_away(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = folder / "kept.checkpoint"
    monkeypatch.setattr(verdicts, "kept_place", lambda _: kept)
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/desk.db")
    assert cli("audit", "verify", "--since", "auto").status == 0
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/older.db")

    answer = cli("recover", "--reason", "the disk is gone")

    assert f"next: move {kept} away, then verify everything once" in answer.err
    kept.unlink()
    assert "verify everything" not in cli("recover", "--reason", "once more").err
    assert cli("audit", "verify", "--since", "auto").status == 0
    assert "verify everything" not in cli("recover", "--reason", "once more").err


@pytest.mark.usefixtures("folder")
def test_entries_that_wait_for_a_key_that_is_brought_now_and_then_are_no_alarm(
    cli: Cli, clock: FrozenDateTimeFactory, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/desk.db")
    cli("site", "add", "blog.example")
    assert cli("daemon", "--once").status == 0
    cli("site", "add", "news.example")
    clock.tick(timedelta(seconds=66))

    assert "NEW ENTRIES ARE NOT BEING SIGNED" not in cli("queue").out + cli("queue").err
    assert "not signed" not in cli("daemon", "status").out


def test_a_signing_that_was_refused_is_an_alarm_at_once(cli: Cli, folder: Path) -> None:
    cli("site", "add", "blog.example")
    cli("daemon", "--once")

    assert "NEW ENTRIES ARE NOT BEING SIGNED" in cli("queue").out + cli("queue").err
    cli("recover", "--reason", "the disk is gone")
    assert "NEW ENTRIES ARE NOT BEING SIGNED" not in cli("queue").out + cli("queue").err


def test_an_older_copy_is_an_alarm_though_nothing_is_to_be_signed(cli: Cli, folder: Path) -> None:
    assert "NEW ENTRIES ARE NOT BEING SIGNED" not in cli("queue").out + cli("queue").err
    cli("daemon", "--once")

    assert "NEW ENTRIES ARE NOT BEING SIGNED" in cli("queue").out + cli("queue").err


def test_the_status_says_in_words_what_is_missing_and_keeps_telling_it(
    cli: Cli, folder: Path
) -> None:
    lost = (
        "the record resumes at entry 2; 3 entries were signed: at least 1 entry is missing"
        " (epoch 60, since 2026-03-02 12:00, asked)"
    )
    recover(cli)
    first = cli("audit", "status")
    assert f"lost: {lost}" in first.out.splitlines()
    assert "goes on:" not in first.out

    recover(cli)

    again = cli("audit", "status")
    assert f"lost: {lost}" in again.out.splitlines()
    assert "goes on: epoch 61, from entry 4, since 2026-03-02 12:00 (asked)" in again.out
    found = cli("audit", "status", "--json").json
    assert (found["lost"]["epoch"], found["lost"]["missing"]) == (60, 1)
    assert (found["resumed"]["epoch"], found["resumed"]["missing"]) == (61, None)


def test_where_as_many_are_there_as_were_signed_none_is_said_to_be_missing_for_certain(
    cli: Cli, folder: Path
) -> None:
    for name in ("blog.example", "news.example"):
        assert cli("site", "add", name).status == 0

    told = cli("recover", "--reason", "the disk is gone")

    either = "missing or in a different order"
    assert f"3 entries were signed, but some of them are now {either}." in told.out
    assert (
        f"3 entries were signed: some entries are {either} (epoch 60" in cli("audit", "status").out
    )


@pytest.mark.usefixtures("folder")
def test_verify_says_that_the_record_says_itself_that_it_lost_its_end(cli: Cli) -> None:
    recover(cli)
    recover(cli)

    told = cli("audit", "verify")
    programs = cli("audit", "verify", "--json")

    [line] = [line for line in told.err.splitlines() if "lost its latest entries" in line]
    assert line == (
        "  the record itself states that it lost its latest entries (epoch 60,"
        " 2026-03-02T04:00:00Z). See: incidents audit status"
    )
    assert (told.status, programs.status) == (0, 0)
    [found] = programs.json["lost_its_end"]
    assert (found["epoch"], found["entries"], found["had"], found["signed"]) == (60, 2, None, 3)
    assert programs.json["verified"]


def test_where_there_are_accounts_only_a_supervisor_lets_it_go_on(cli: Cli, folder: Path) -> None:
    for role in ("administrator", "operator", "supervisor"):
        added = cli("account", "add", f"{role}-1", "--role", role, "--as", "administrator-1")
        assert added.status == 0, added.err
    files = sorted(each.name for each in folder.iterdir())

    for who in ("operator-1", "administrator-1", "nobody-1"):
        answer = cli("recover", "--reason", "the disk is gone", "--as", who)

        assert answer.status == 3
        refused = (
            f"only a supervisor can recover the record after a loss; {who} is not a supervisor"
        )
        assert refused in answer.err
    assert sorted(each.name for each in folder.iterdir()) == files, "no key is made"
    assert cli("audit", "status", "--json").json["resumed"] is None
    refused = cli("account", "refusals", "--json").json
    assert sorted((each["handle"], each["act"], each["why"]) for each in refused) == [
        (who, "recover", "role") for who in ("administrator-1", "nobody-1", "operator-1")
    ]
    gone = cli("recover", "--reason", "the disk is gone", "--as", "supervisor-1")
    assert gone.status == 0


@pytest.mark.parametrize("way", ["--format=table", "--json"])
def test_sites_that_could_not_be_compared_are_counted_apart(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    class Broken(Receiver):
        def state(self, site: str) -> State | None:
            raise OSError(site)

    monkeypatch.setattr(routing, "load", lambda: Routing(default=Broken()))

    answer = cli("recover", "--reason", "the disk is gone", way)

    assert answer.status == 5
    if way == "--json":
        assert answer.json["sites"] == {"failed": 1}
        assert [each["problem"] for each in answer.json["uncompared"]] == [
            "panel: adapter fault: OSError"
        ]
    else:
        told = "1 site: 0 matching, 0 ordered again, 1 could not be compared"
        assert told in answer.out.splitlines()


def test_two_losses_are_both_told(cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recover(cli)
    for command in (
        "audit checkpoint", f"db backup {folder}/oldest.db", "site add a.example",
        "site add b.example", "audit checkpoint",
    ):  # fmt: skip
        assert cli(*command.split()).status == 0, command
    monkeypatch.setenv("INCIDENTS_DB", f"sqlite:///{folder}/oldest.db")
    recover(cli)

    told, status = cli("audit", "verify"), cli("audit", "status")

    [line] = [line for line in told.err.splitlines() if "lost its latest entries" in line]
    assert line == (
        "  the record itself states that it lost its latest entries 2 times (last: epoch 61,"
        " 2026-03-02T04:00:00Z). See: incidents audit status"
    )
    lost = [line for line in status.out.splitlines() if line.startswith("lost")]
    assert [line.partition(":")[0] for line in lost] == ["lost before", "lost"]
    assert "at least 1 entry is missing (epoch 60," in lost[0]
    assert "at least 2 entries are missing (epoch 61," in lost[1]


MANY = [f"site-{n:02}.example" for n in range(25)]


def test_nothing_is_begun_where_the_settings_of_the_adapters_cannot_be_read(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the loss would be known, and its sites not compared."""

    def fail() -> Routing:
        raise SettingsFileError(file="incidents.toml", detail="it is no TOML")

    monkeypatch.setattr(routing, "load", fail)

    answer = cli("recover", "--reason", "the disk is gone", "--sign-here")

    assert answer.status == 1
    assert "it is no TOML" in answer.err
    status = cli("audit", "status", "--json").json
    assert status["resumed"] is None
    assert not status["signs"]


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch, cli: Cli, sqlite_url: str) -> None:
    """A desk of which some sites are held, whose receiver cannot be asked."""
    monkeypatch.setattr(routing, "load", lambda: Routing(default=Receiver()))
    monkeypatch.setenv("INCIDENTS_DB", sqlite_url)
    for name in [*MANY, "shop.example", "forum.example"]:
        assert cli("site", "add", name).status == 0
    for name in ("shop.example", "forum.example"):
        assert cli("site", "hold", name, "--reason", "court order").status == 0
    assert cli("daemon", "--once").status == 0


@pytest.mark.usefixtures("panel")
def test_the_sites_that_were_ordered_again_are_named_by_what_was_done(cli: Cli) -> None:
    people = cli("recover", "--reason", "the disk is gone")
    cli("daemon", "--once")
    programs = cli("recover", "--reason", "the disk is gone", "--json").json

    opened = f"reopened: {', '.join(MANY[:20])} and 5 more (all with --json)"
    assert opened in people.out.splitlines()
    assert "taken down again: forum.example, shop.example" in people.out.splitlines()
    assert programs["opened"] == MANY
    assert programs["taken_down"] == ["forum.example", "shop.example"]


@pytest.mark.usefixtures("panel")
@pytest.mark.parametrize("beats", [False, True])
def test_that_a_daemon_has_to_run_is_said_where_none_does(
    cli: Cli, sqlite_url: str, beats: bool
) -> None:
    if beats:
        engine = create(sqlite_url)
        now = clock.now()
        row = Heartbeat(daemon="h-1-ab", host="h", pid=1, started_at=now, beat_at=now)
        with writing(engine) as connection:
            monitoring.beat(connection, row)
        engine.dispose()

    told = cli("recover", "--reason", "the disk is gone")

    assert ("once a daemon has run" in told.out + told.err) is not beats
