"""The adapter `nginx` with a real one: what visitors get, and what happens when it goes wrong."""

import fcntl
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest

from incidents.enforcement.nginx import adapter as nginx_adapter
from incidents.enforcement.nginx import folder as nginx_page
from incidents.enforcement.nginx import map as nginx_host
from incidents.enforcement.nginx.adapter import Nginx as Adapter
from incidents.enforcement.nginx.folder import Folder
from incidents.enforcement.port import Delivered, Failed, Retry
from incidents.errors import SettingError, UnknownSettingError
from incidents.settings.options import Options
from tests.enforcement import nginx_rig
from tests.enforcement.nginx_rig import UNTIL, Nginx, nginx, order
from tests.enforcement.orders import detail, problem

GUIDE = Path(__file__).parents[2] / "docs/how-to/suspend-in-nginx.md"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Nginx]:
    with nginx(tmp_path / "nginx") as running:
        yield running


def adapter(server: Nginx, **settings: Any) -> Adapter:
    return nginx_rig.adapter(server.settings(**settings))


# ── what visitors get ────────────────────────────────────────────────────────────────────────────


def test_a_site_is_served_suspended_opened_again_and_closed(server: Nginx) -> None:
    web = adapter(server)
    assert (server.get("shop.example").status, web.state("shop.example")) == (200, None)

    assert web.deliver(order("suspend", 1)) == Delivered()
    answer = server.get("shop.example")
    assert answer.status == 503
    assert parsedate_to_datetime(answer.headers["retry-after"]) == UNTIL
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert "<h1>本网站已暂停访问</h1>" in answer.body
    assert "<h1>This site is suspended</h1>" in answer.body
    assert "Expected back: <time>2026-03-02 07:00 (UTC+08:00)</time>" in answer.body
    assert "<script" not in answer.body
    assert web.state("shop.example") == "suspended"

    assert web.deliver(order("reopen", 2)) == Delivered()
    assert server.get("shop.example").body == "the page of shop.example\n"
    assert web.state("shop.example") == "active"

    assert web.deliver(order("close", 3)) == Delivered()
    answer = server.get("shop.example")
    assert (answer.status, answer.headers["cache-control"]) == (410, "no-store")
    assert "retry-after" not in answer.headers
    assert "<h1>本网站已关闭</h1>" in answer.body
    assert "<h1>This site is closed</h1>" in answer.body
    assert web.state("shop.example") == "closed"

    assert server.get("blog.example").body == "the page of blog.example\n"
    assert server.errors() == []


def test_a_suspension_that_no_timer_ends_names_no_time(server: Nginx) -> None:
    assert adapter(server).deliver(order("suspend", until=None)) == Delivered()
    answer = server.get("shop.example")
    assert answer.status == 503
    assert "retry-after" not in answer.headers
    assert "Expected back" not in answer.body
    assert nginx_page.MARK not in answer.body


@pytest.mark.parametrize(
    ("host", "path", "method"),
    [
        ("SHOP.example", "/", "GET"),
        ("shop.example.", "/", "GET"),
        ("shop.example:8080", "/", "GET"),
        ("shop.example", "/any/page.php?with=arguments", "GET"),
        ("shop.example", "/.hidden", "GET"),
        ("shop.example", "/.incidents/closed", "GET"),
        ("shop.example", "/.incidents/suspended?x", "GET"),
        ("shop.example", "/the-sites-own-error-page", "GET"),
        ("shop.example", "/%2e%2e/", "GET"),
        ("shop.example", "/", "POST"),
        ("shop.example", "/", "DELETE"),
        ("shop.example", "/", "HEAD"),
    ],
)
def test_there_is_no_way_around_a_suspension(
    host: str, path: str, method: str, suspended: Nginx
) -> None:
    answer = suspended.get(host, path, method, "the body" if method == "POST" else "")
    status = 400 if "%2e" in path else 503
    assert answer.status == status
    if status == 503:
        assert parsedate_to_datetime(answer.headers["retry-after"]) == UNTIL


@pytest.fixture(scope="module")
def suspended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """An nginx on which shop.example is suspended."""
    with nginx(tmp_path_factory.mktemp("nginx") / "nginx") as running:
        assert adapter(running).deliver(order("suspend")) == Delivered()
        yield running


def test_the_pages_cannot_be_asked_for_by_name(suspended: Nginx) -> None:
    for path in ("/.incidents/suspended", "/.incidents/closed"):
        assert suspended.get("blog.example", path).status == 404


def test_the_time_that_is_told_stays_right_however_long_the_file_stands(server: Nginx) -> None:
    adapter(server).deliver(order("suspend", until=UNTIL + timedelta(microseconds=1)))
    first = server.get("shop.example").headers
    server.until(lambda: server.get("shop.example").headers["date"] != first["date"])
    later = server.get("shop.example").headers
    assert later["retry-after"] == first["retry-after"] == "Sun, 01 Mar 2026 23:00:01 GMT"


def test_the_other_names_of_a_site_go_down_with_it(server: Nginx) -> None:
    aliases = [{"site": "shop.example", "hosts": ["blog.example"]}]
    web = adapter(server, www=True, aliases=aliases)
    assert web.deliver(order("close")) == Delivered()
    hosts = ("shop.example", "www.shop.example", "blog.example", "www.blog.example")
    assert [server.get(host).status for host in hosts] == [410, 410, 410, 200]


def test_without_www_the_name_alone_goes_down(server: Nginx) -> None:
    assert adapter(server).deliver(order("close")) == Delivered()
    assert server.get("shop.example").status == 410
    assert server.get("www.shop.example").status == 200


def test_each_name_that_is_allowed_reaches_nginx_as_it_is(server: Nginx) -> None:
    names = [
        "default", "include", "hostnames", "volatile", "n", "t", "r", "0", "xn--fiqs8s.example",
        "under_score.example", "a--b.example", "192.0.2.1", "2001:db8::1", "::1",
        *(f"{'x' * n}.example" for n in (37, 38, 39, 50, 63)), ".".join(["y" * 62] * 4),
    ]  # fmt: skip
    web = adapter(server)
    with ThreadPoolExecutor(len(names)) as pool:
        outcomes = list(pool.map(lambda name: web.deliver(order("close", 1, name)), names))
    assert outcomes == [Delivered()] * len(names)
    assert {name: web.state(name) for name in names} == dict.fromkeys(names, "closed")
    assert web.state("active.example") == "active"
    # The dots of a long name are dots.
    assert web.state("x" * 50 + "-example") == "active"
    assert server.errors() == []


def test_a_page_of_the_operators_own_is_shown_letter_by_letter(
    server: Nginx, tmp_path: Path
) -> None:
    page = (
        '<p>$host ${host} "quoted" \'too\' \\n \\\\ \\" ; } # {\r\n\ttab 中文 🏮</p>\n'
        f"{nginx_page.MARK}{'长' * 9_000}\n# site nonsense\n{nginx_page.MARK}"
    )
    file = tmp_path / "page.html"
    file.write_bytes(page.encode())
    web = adapter(server, suspended_page=str(file), zone="UTC")

    assert web.deliver(order("suspend")) == Delivered()

    told = "<p>预计恢复时间 · Expected back: <time>2026-03-01 23:00 (UTC+00:00)</time></p>"
    assert server.get("shop.example").body == page.replace(nginx_page.MARK, told)


# ── what comes again, late or wrongly ────────────────────────────────────────────────────────────


def test_an_order_that_comes_again_changes_nothing(server: Nginx) -> None:
    web = adapter(server)
    web.deliver(order("suspend"))
    written = (server.files / "incidents.conf").read_bytes()
    assert web.deliver(order("suspend")) == Delivered()
    assert (server.files / "incidents.conf").read_bytes() == written


def test_an_order_that_a_later_one_has_overtaken_is_left_alone(server: Nginx) -> None:
    web = adapter(server)
    web.deliver(order("suspend", 5))
    web.deliver(order("reopen", 6))
    assert web.deliver(order("suspend", 5)) == Delivered(enforced=False)
    assert server.get("shop.example").status == 200


@pytest.mark.parametrize("kind", ["call", "notify", "alarm"])
def test_what_no_web_server_can_do_is_given_up(kind: str, suspended: Nginx) -> None:
    outcome = adapter(suspended).deliver(order(kind))
    assert outcome == Failed(problem="wrong_kind", detail=f"nginx cannot carry out a {kind}")


@pytest.mark.parametrize("site", ["a;b", 'x"; return 200; #', "fe80::1%;}evil", "$host", "a\nb"])
def test_a_hostile_name_is_given_up_and_nothing_is_written(site: str, suspended: Nginx) -> None:
    before = (suspended.files / "incidents.conf").read_bytes()
    assert problem(adapter(suspended).deliver(order("close", 9, site))) == "Failed bad_name"
    assert adapter(suspended).state(site) is None
    assert (suspended.files / "incidents.conf").read_bytes() == before
    assert not nginx_host.is_host(site)


# ── what goes wrong ──────────────────────────────────────────────────────────────────────────────


def test_when_nginx_finds_a_fault_the_old_files_are_put_back(server: Nginx) -> None:
    web = adapter(server)
    web.deliver(order("suspend", 1))
    before = (server.files / "incidents.conf").read_bytes()
    good = (server.folder / "nginx.conf").read_text()
    (server.folder / "nginx.conf").write_text(f"{good}\nnonsense on;\n")

    outcome = web.deliver(order("close", 2))

    assert problem(outcome) == "Retry test_failed"
    assert re.match(r'\[emerg\] \S+ unknown directive "nonsense" in ', detail(outcome))
    assert (server.files / "incidents.conf").read_bytes() == before
    assert server.get("shop.example").status == 503

    (server.folder / "nginx.conf").write_text(good)
    assert web.deliver(order("close", 2)) == Delivered()
    assert server.get("shop.example").status == 410


def test_when_the_first_test_fails_no_file_is_left(server: Nginx) -> None:
    outcome = adapter(server, test_command=["false"]).deliver(order("close"))
    assert outcome == Retry(problem="test_failed")
    assert list(server.files.glob("*.conf")) == []
    subprocess.run([*server.command, "-t"], check=True, capture_output=True)


@pytest.mark.parametrize("probe", [True, False])
def test_a_reload_that_fails_is_done_when_the_order_comes_again(probe: bool, server: Nginx) -> None:
    broken = adapter(server, probe=probe, reload_command=["sh", "-c", "echo away >&2; exit 1"])
    outcome = broken.deliver(order("close"))
    assert outcome == Retry(problem="reload_failed", detail="away")
    assert server.get("shop.example").status == 200

    # It stays written: when nginx is started it is in force.
    assert adapter(server, probe=probe).deliver(order("close")) == Delivered()
    server.until(lambda: server.get("shop.example").status == 410)


def test_an_nginx_that_is_not_running_is_tried_again(server: Nginx) -> None:
    server.process.terminate()
    server.process.wait()
    web = adapter(server)
    outcome = web.deliver(order("close"))
    assert problem(outcome) == "Retry reload_failed"
    assert "[error]" in detail(outcome)
    assert web.state("shop.example") is None


def test_files_that_nginx_does_not_include_are_not_in_force(server: Nginx) -> None:
    config = (server.folder / "nginx.conf").read_text()
    without = config.replace("include", "# include")
    (server.folder / "nginx.conf").write_text(without)
    outcome = adapter(server, timeout="1s").deliver(order("close"))
    assert problem(outcome) == "Retry reload_pending"
    assert "whether its http block includes incidents.conf" in detail(outcome)


def test_a_command_that_hangs_is_stopped_and_the_old_files_are_put_back(server: Nginx) -> None:
    outcome = adapter(server, timeout="1s", test_command=["sleep", "3000"]).deliver(order("close"))
    assert problem(outcome) == "Retry test_timeout"
    assert list(server.files.glob("*.conf")) == []


def test_a_command_that_is_not_there_is_named(server: Nginx) -> None:
    outcome = adapter(server, test_command=["/none/nginx", "-t"]).deliver(order("close"))
    assert outcome == Retry(problem="test_not_found", detail="there is no program /none/nginx")


def test_a_lock_that_another_process_keeps_is_waited_for_and_no_longer_than_that(
    server: Nginx,
) -> None:
    handle = os.open(server.files / "incidents.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(handle, fcntl.LOCK_EX)
    try:
        outcome = adapter(server, timeout="1s").deliver(order("close"))
        assert problem(outcome) == "Retry busy"
    finally:
        os.close(handle)
    assert adapter(server).deliver(order("close")) == Delivered()


def test_a_lock_that_leads_to_another_file_is_neither_opened_nor_shared(tmp_path: Path) -> None:
    """Whoever in the group of the folder puts a link there would let that group write to it."""
    roots = tmp_path / "roots"
    roots.touch(mode=0o600)
    (tmp_path / "incidents.lock").symlink_to(roots)

    with pytest.raises(OSError, match="it is a link"), Folder(tmp_path).locked(0.0):
        pass

    assert roots.stat().st_mode & 0o777 == 0o600


def test_a_folder_that_is_not_there_is_named(server: Nginx) -> None:
    gone = server.folder / "gone"
    outcome = adapter(server, folder=str(gone)).deliver(order("close"))
    assert outcome == Retry(
        problem="file_error", detail=f"No such file or directory: {gone}/incidents.lock"
    )


def test_a_folder_and_commands_that_are_not_there_are_missing(tmp_path: Path) -> None:
    there = {"folder": str(tmp_path), "test_command": ["true"], "reload_command": ["true"]}
    gone = tmp_path / "gone"
    for table, missing in (
        ({}, None),
        ({"folder": str(gone)}, f"there is no folder {gone}"),
        ({"test_command": ["none", "-t"]}, "there is no program none"),
        ({"reload_command": ["none"]}, "there is no program none"),
    ):
        assert nginx_rig.adapter(there | table).missing() == missing


@pytest.mark.parametrize("text", ["# site nonsense\n", "# site a;b closed\n", b"\xff"])
def test_a_file_that_somebody_has_damaged_is_not_written_over(
    text: str | bytes, server: Nginx
) -> None:
    file = server.files / "incidents.conf"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert problem(adapter(server).deliver(order("close"))) == "Retry file_damaged"
    assert adapter(server, probe=False).state("shop.example") is None


# ── how a site stands ────────────────────────────────────────────────────────────────────────────


def test_what_nginx_has_loaded_counts_and_not_what_is_written(server: Nginx) -> None:
    web = adapter(server)
    web.deliver(order("suspend", 1))
    adapter(server, reload_command=["false"]).deliver(order("close", 2))
    assert web.state("shop.example") == "suspended"
    assert adapter(server, probe=False).state("shop.example") == "closed"


def test_without_a_probe_the_file_is_asked(server: Nginx) -> None:
    web = adapter(server, probe=False)
    assert web.state("shop.example") == "active"
    web.deliver(order("suspend", 1))
    assert web.state("shop.example") == "suspended"
    web.deliver(order("reopen", 2))
    assert web.state("shop.example") == "active"


def test_a_site_is_down_when_all_of_its_hosts_are(server: Nginx) -> None:
    adapter(server).deliver(order("close"))
    assert adapter(server, www=True).state("shop.example") == "active"
    adapter(server, www=True).deliver(order("close", 2))
    assert adapter(server, www=True).state("shop.example") == "closed"


# ── the settings ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({}, "has no folder, but it must be there"),
        ({"folder": "here"}, "written from / on"),
        ({"folder": "/etc", "probe": "192.0.2.1:80"}, "an address of the loopback"),
        ({"folder": "/etc", "probe": "127.0.0.1:0"}, "an address of the loopback"),
        ({"folder": "/etc", "probe": "127.0.0.1:65536"}, "an address of the loopback"),
        ({"folder": "/etc", "probe": "127.0.0.999:80"}, "an address of the loopback"),
        ({"folder": "/etc", "probe": "127.0.0.1:80; }"}, "an address of the loopback"),
        ({"folder": "/etc", "probe": "127.0.0.1:80\n"}, "an address of the loopback"),
        ({"folder": "/etc", "timeout": "10s"}, "a duration"),
        ({"folder": "/etc", "zone": "Mars/Olympus"}, "a name such as Asia/Shanghai"),
        ({"folder": "/etc", "www": "yes"}, "true or false"),
        ({"folder": "/etc", "closed_page": "/none.html"}, "an HTML file in UTF-8"),
        ({"folder": "/etc", "closed_page": "/etc"}, "an HTML file in UTF-8"),
        ({"folder": "/etc", "aliases": [{"site": "a.example"}]}, "names of hosts"),
        ({"folder": "/etc", "aliases": [{"site": "a;b", "hosts": ["b"]}]}, "names of hosts"),
        ({"folder": "/etc", "aliases": [{"site": "a", "hosts": ["b;"]}]}, "names of hosts"),
    ],
)
def test_a_bad_setting_is_named(table: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingError, match=says):
        nginx_adapter.make("web", Options("[acts.web]", table))


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(UnknownSettingError, match="unknown setting 'file'"):
        nginx_adapter.make("web", Options("[acts.web]", {"folder": "/etc", "file": "x"}))


@pytest.mark.parametrize("address", ["127.0.0.1:8951", "127.5.0.1:1", "[::1]:65535"])
def test_an_address_of_the_loopback_is_taken(address: str) -> None:
    table = {"folder": "/etc", "probe": address}
    assert nginx_adapter.make("web", Options("[acts.web]", table)).name == "web"


def test_the_settings_of_the_guide_are_taken_and_its_includes_are_those_that_are_tested() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    tables = [tomllib.loads(block)["acts"]["web"] for block in blocks]
    first, aliases, under_systemd = tables
    for table in (first, first | aliases, under_systemd):
        options = Options("[acts.web]", table)
        assert options.text("type", "nginx") == "nginx"
        assert nginx_adapter.make("web", options).name == "web"
    for name in ("incidents*.conf", "site*.conf"):
        assert f"include /etc/nginx/incidents/{name};" in guide
        assert f"include {{folder}}/incidents/{name};" in nginx_rig._CONFIG + nginx_rig._SERVER
    told = set(re.findall(r"^\| `(\w+)`(?:, `(\w+)`)? \| ", guide, re.MULTILINE))
    described = {key for pair in told for key in pair if key}
    options = Options("[acts.web]", {"folder": "/etc"})
    nginx_adapter.make("web", options)
    assert options._known <= described
