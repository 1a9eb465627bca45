"""The adapter `nginx`: writes the files that nginx includes, and reloads nginx.

A suspended site answers 503, with `Retry-After` if its reopening time is known; a closed site
answers 410. Orders that arrive during a reload are written together before the next reload.
"""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Callable, Sequence
from datetime import timedelta, tzinfo
from typing import get_args

from incidents import clock
from incidents.enforcement import process
from incidents.enforcement.nginx import map as maps
from incidents.enforcement.nginx import server
from incidents.enforcement.nginx.folder import Folder, Page, page
from incidents.enforcement.nginx.server import Layout, Server
from incidents.enforcement.port import Adapter, Delivered, Failed, Order, Outcome, Retry, State
from incidents.errors import Cause, InputError
from incidents.settings.options import Options
from incidents.settings.sources import DEFAULT_ZONE
from incidents.system.group_commit import GroupCommit

DEFAULT_TEST = ("nginx", "-t")
DEFAULT_RELOAD = ("nginx", "-s", "reload")
DEFAULT_TIMEOUT = timedelta(seconds=8)
# An attempt has 20 seconds: it may wait this long for the commit in progress, and its own takes as
# long again.
MAX_TIMEOUT = timedelta(seconds=9)
# A reload costs far more than this wait.
_GATHERING_S = 0.01

_PROBE = re.compile(r"(?P<address>127\.\d+\.\d+\.\d+|\[::1\]):(?P<port>\d{1,5})", re.ASCII)


class Nginx:
    """The adapter for one nginx and its folder, which several threads and processes can write."""

    def __init__(
        self, name: str, *, folder: Folder, server: Server, layout: Layout, timeout: timedelta
    ) -> None:
        self.name = name
        self._folder = folder
        self._server = server
        self._layout = layout
        self._timeout_s = timeout.total_seconds()
        self._commits: GroupCommit[maps.SiteState, Outcome] = GroupCommit(
            self._commit, gathering_s=_GATHERING_S
        )

    def deliver(self, order: Order) -> Outcome:
        """Write the ordered state of the site, perhaps with other sites', and reload nginx."""
        if order.kind not in maps.STATES:
            return Failed(problem="wrong_kind", detail=f"nginx cannot carry out a {order.kind}")
        try:
            ordered = maps.state_after(order, clock.now())
            list(self._layout.hosts(order.site))
        except ValueError:
            return Failed(problem="bad_name", detail="nginx cannot be given the name of this site")
        outcome = self._commits.take(ordered, self._timeout_s)
        return _BUSY if outcome is None else outcome

    def state(self, site: str) -> State | None:
        """The site's state as loaded by nginx; without a probe, as written in the file.

        If the hosts of a site differ, the least restricted host counts.
        """
        try:
            hosts = list(self._layout.hosts(site))
        except ValueError:
            return None
        if self._server.probe is None:
            return self._written_state(site)
        deadline = time.monotonic() + self._timeout_s
        answers = [self._server.probe_host(host, deadline) for host in hosts]
        states = [answer.state for answer in answers if answer is not None]
        if len(states) < len(answers):
            return None
        return min(states, key=get_args(State).index)

    def missing(self) -> str | None:
        """A sentence that names what is missing on this machine; None if nothing is missing."""
        return self._folder.missing() or self._server.missing()

    def _written_state(self, site: str) -> State | None:
        try:
            known = maps.read(self._folder.http() or "")
        except (OSError, ValueError, maps.DamagedMapError):
            return None
        return known[site].state if site in known else "active"

    def _commit(self, states: Sequence[maps.SiteState]) -> list[Outcome]:
        deadline = time.monotonic() + self._timeout_s
        try:
            return self._carry_out(states, deadline)
        except TimeoutError:
            failure = _BUSY
        except OSError as error:
            failure = Retry(problem="file_error", detail=f"{error.strerror}: {error.filename}")
        except (maps.DamagedMapError, UnicodeDecodeError) as error:
            failure = Retry(
                problem="file_damaged", detail=f"incidents.conf was changed by somebody: {error}"
            )
        return [failure] * len(states)

    def _carry_out(self, states: Sequence[maps.SiteState], deadline: float) -> list[Outcome]:
        with self._folder.locked(deadline):
            old = self._folder.http()
            known = maps.read(old or "")
            stale = [maps.is_stale(known, one) for one in states]
            if all(stale):
                return [_STALE] * len(states)
            kept = maps.without_expired(maps.with_states(known, states), clock.now())
            new = server.http_file(kept, self._layout)
            failure = self._load(old, new, deadline)
        if failure is None:
            failure = self._server.wait_for(self._is_loaded_with(new), deadline)
        outcome = Delivered() if failure is None else failure
        return [_STALE if late else outcome for late in stale]

    def _load(self, old: str | None, new: str, deadline: float) -> Retry | None:
        self._folder.write(new, server.SITE_FILE)
        failure = self._server.test(deadline)
        if failure is None:
            # If the reload fails, the file stays: it is valid, and the next start will use it.
            return self._server.reload(deadline)
        if new != old:
            self._folder.restore(old)
        return failure

    def _is_loaded_with(self, new: str) -> Callable[[str], bool]:
        """A check whether a loaded generation includes the new text.

        The generation is that of the new text, or that of the present file, which another process
        might have written since, starting from the new text.
        """
        generation = server.generation(new)
        return lambda loaded: (
            loaded == generation or loaded == server.generation(self._folder.http_head())
        )


_STALE = Delivered(enforced=False)
_BUSY = Retry(
    problem="busy", detail="other orders are being carried out here, and they take too long"
)


def make(name: str, options: Options) -> Adapter:
    """The adapter of type `nginx`, with the given name.

    Raises:
        SettingError, UnknownSettingError: naming the key and its requirement.
    """
    probe = _probe(options)
    made = Nginx(
        name,
        folder=Folder(process.absolute_folder(options, options.needed("folder"))),
        server=Server(
            test_command=process.command_words(options, "test_command", DEFAULT_TEST),
            reload_command=process.command_words(options, "reload_command", DEFAULT_RELOAD),
            probe=probe,
        ),
        layout=Layout(
            hosts=maps.HostNames(www=options.flag("www"), aliases=_aliases(options)).of,
            pages={"suspended": _page(options, "suspended"), "closed": _page(options, "closed")},
            zone=_zone(options),
            probe=probe,
        ),
        timeout=options.duration(
            "timeout", DEFAULT_TIMEOUT, least=timedelta(seconds=1), most=MAX_TIMEOUT
        ),
    )
    options.finish()
    return made


def _probe(options: Options) -> str | None:
    found = options.text("probe")
    if found is None:
        return None
    match = _PROBE.fullmatch(found)
    if match is None or not 0 < int(match["port"]) < 65_536 or not _is_loopback(match["address"]):
        raise options.wrong(
            "probe",
            Cause.of(
                "must_loopback", 'an address of the loopback and a port, "127.0.0.1:8951" say'
            ),
        )
    return found


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def _aliases(options: Options) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for table in options.tables("aliases"):
        site, hosts = table.needed("site"), table.texts("hosts")
        table.finish()
        for key, names in (("site", (site,)), ("hosts", hosts)):
            if not names or not all(map(maps.is_host, names)):
                raise table.wrong(
                    key,
                    Cause.of(
                        "must_ascii_hosts", "names of hosts in their ASCII form, in small letters"
                    ),
                )
        found[site] = (*found.get(site, ()), *hosts)
    return found


def _page(options: Options, kind: Page) -> str:
    key = f"{kind}_page"
    try:
        return page(kind, options.path(key))
    except (OSError, ValueError) as error:
        expected = Cause.of(
            "must_html", "an HTML file in UTF-8 that can be read, of at most 64 KiB"
        )
        raise options.wrong(key, expected) from error


def _zone(options: Options) -> tzinfo:
    try:
        return clock.zone(options.text("zone") or DEFAULT_ZONE)
    except InputError as error:
        raise options.wrong(
            "zone", Cause.of("must_zone_name", "a name such as Asia/Shanghai or UTC")
        ) from error
