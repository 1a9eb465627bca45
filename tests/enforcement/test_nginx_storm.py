"""The adapter `nginx` under load: many orders at once, many visitors, more than one process."""

import json
import random
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from incidents.enforcement.nginx import map as nginx_map
from incidents.enforcement.nginx import server as nginx_config
from incidents.enforcement.port import Delivered
from tests.enforcement.nginx_rig import UNTIL, Nginx, adapter, carried_out, nginx, order
from tests.patience import PATIENCE_S, until

KINDS = {"suspend": 503, "reopen": 200, "close": 410}
SITES = tuple(f"site-{n}.example" for n in range(6))


def counted(server: Nginx, **more: Any) -> dict[str, Any]:
    """Settings whose commands leave a line in the file `reloads` for each reload."""
    settings = server.settings(**more)
    script = f'echo x >>{server.folder}/reloads; exec "$@"'
    settings["reload_command"] = ["sh", "-c", script, "sh", *settings["reload_command"]]
    return settings


def reloads(server: Nginx) -> int:
    return len((server.folder / "reloads").read_text().splitlines())


@dataclass
class Watch:
    """What visitors and orders saw: times are monotonic; each flip has its status from then on."""

    answers: list[tuple[str, float, float, int, str | None]] = field(default_factory=list)
    flips: dict[str, list[tuple[float, float, int, str | None]]] = field(
        default_factory=lambda: defaultdict(lambda: [(0.0, 0.0, 200, None)])
    )
    faults: list[object] = field(default_factory=list)

    def has_seen(self, site: str, status: int) -> bool:
        """Whether that was the last answer of the site."""
        return [each[3] for each in self.answers if each[0] == site][-1:] == [status]

    def wrong(self) -> list[object]:
        """The answers that were neither of the state before nor of one that was being ordered."""
        found: list[object] = []
        for site, began, ended, status, retry in self.answers:
            flips = self.flips[site]
            over = [*(flip[1] for flip in flips[1:]), float("inf")]
            allowed = {
                flip[2:] for flip, end in zip(flips, over, strict=True)
                if flip[0] <= ended and began <= end
            }  # fmt: skip
            if (status, retry) not in allowed:
                found.append((site, status, retry, allowed))
        return found


@contextmanager
def watched(server: Nginx, watch: Watch, visitors: int) -> Iterator[None]:
    """Visitors ask, and a reader reads the file, again and again."""
    stop = threading.Event()

    def visit(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.is_set():
            site = chance.choice(SITES)
            began = time.monotonic()
            try:
                answer = server.get(site)
            except OSError as error:
                watch.faults.append(error)
                continue
            told = answer.headers.get("retry-after")
            watch.answers.append((site, began, time.monotonic(), answer.status, told))
            if not answer.body.endswith(("</html>\n", f"the page of {site}\n")):
                watch.faults.append(answer)
            stop.wait(0.005)

    def read() -> None:
        while not stop.is_set():
            text = (server.files / "incidents.conf").read_text()
            known = nginx_map.read(text)
            if nginx_config.http_file(known, adapter(server.settings())._layout) != text:
                watch.faults.append(text)
            stop.wait(0.005)

    threads = [threading.Thread(target=visit, args=(n,)) for n in range(visitors)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_two_hundred_orders_of_sixteen_threads_share_their_reloads(tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx", SITES) as server:
        web = adapter(counted(server, probe=False))
        orders = [order("suspend", n, f"customer-{n}.example") for n in range(199)]
        orders.append(order("suspend", 200, SITES[0]))

        with ThreadPoolExecutor(16) as pool:
            outcomes = list(pool.map(partial(carried_out, web), orders))

        assert outcomes == [Delivered()] * 200
        assert reloads(server) <= 40
        assert {web.state(one.site) for one in orders} == {"suspended"}
        server.until(lambda: server.get(SITES[0]).status == 503)
        assert server.errors() == []


def test_visitors_never_see_anything_but_the_old_state_or_the_new_one(tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx", SITES) as server:
        web = adapter(counted(server))
        watch = Watch()

        def flip(site: str) -> None:
            chance = random.Random(site)
            for seq in range(1, 8):
                make(site, chance.choice(sorted(KINDS)), seq)

        def make(site: str, kind: str, seq: int) -> None:
            one = order(kind, seq, site, UNTIL + timedelta(seconds=seq))
            told = None if one.until is None else nginx_config.http_date(one.until)
            began = time.monotonic()
            # The answers before it is done are of the state before or of this one.
            watch.flips[site].append((began, float("inf"), KINDS[kind], told))
            assert carried_out(web, one) == Delivered()
            watch.flips[site][-1] = (began, time.monotonic(), KINDS[kind], told)

        carried_out(web, order("reopen", 0, "nobody.example"))
        with watched(server, watch, visitors=4), ThreadPoolExecutor(len(SITES)) as pool:
            list(pool.map(flip, SITES))
            for seq, (kind, status) in enumerate(KINDS.items(), start=8):
                make(SITES[0], kind, seq)
                until(partial(watch.has_seen, SITES[0], status), f"a visitor sees {status}")

        assert sum(len(flips) - 1 for flips in watch.flips.values()) == 7 * len(SITES) + 3
        assert watch.faults == []
        assert watch.wrong() == []
        assert server.errors() == []


WRITER = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from tests.enforcement.nginx_rig import adapter, carried_out, order
settings, name = json.loads(sys.argv[1]), sys.argv[2]
web = adapter(settings)
sys.stdin.read()
orders = [order("close", n, f"{name}-{n}.example") for n in range(24)]
with ThreadPoolExecutor(4) as pool:
    for outcome in pool.map(partial(carried_out, web), orders):
        print(type(outcome).__name__, outcome)
"""


def writer(settings: dict[str, Any], name: str) -> subprocess.Popen[str]:
    """A process that closes 24 sites of that name, and says what came of each."""
    started = subprocess.Popen(
        [sys.executable, "-c", WRITER, json.dumps(settings), name],
        cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert started.stdin is not None
    started.stdin.close()
    return started


def test_two_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx") as server:
        told = []
        for each in [writer(server.settings(), name) for name in ("one", "two")]:
            assert each.stdout is not None
            told += each.stdout.read().splitlines()
            each.stdout.close()
            assert each.wait(PATIENCE_S) == 0

        assert told == [f"Delivered {Delivered()}"] * 48
        known = nginx_map.read((server.files / "incidents.conf").read_text())
        assert sorted(known) == sorted(
            f"{w}-{n}.example" for w in ("one", "two") for n in range(24)
        )
        web = adapter(server.settings())
        assert {web.state(site) for site in known} == {"closed"}
        assert server.errors() == []


def test_a_writer_that_is_killed_at_any_moment_leaves_files_that_are_whole(tmp_path: Path) -> None:
    with nginx(tmp_path / "nginx") as server:
        settings = server.settings(probe=False)
        chance = random.Random(7)
        for n in range(3):
            killed = writer(settings, f"round-{n}")
            assert killed.stdout is not None
            # Its first answer says that it is at work.
            killed.stdout.readline()
            time.sleep(chance.random() / 20)
            killed.kill()
            killed.wait()
            killed.stdout.close()

            text = (server.files / "incidents.conf").read_text()
            assert nginx_config.http_file(nginx_map.read(text), adapter(settings)._layout) == text
            subprocess.run([*server.command, "-t"], check=True, capture_output=True)

        web = adapter(server.settings())
        assert web.deliver(order("close", 1, "shop.example")) == Delivered()
        assert server.get("shop.example").status == 410
        assert web.state("round-0-0.example") == "closed"
