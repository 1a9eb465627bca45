"""The metrics service of a daemon, if the settings have a section [metrics].

The service answers every scrape in time, and runs one query at a time. It has its own thread, so
that no client, occupied port or missing library delays anything else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import find_spec
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, Engine

from incidents.enforcement.attempts import Attempts
from incidents.errors import Cause, IncidentsError, LibraryError
from incidents.metrics.database import look, static_samples
from incidents.metrics.samples import Samples
from incidents.metrics.tail import AttemptCounters, EntryCounters, ExpiryCounters
from incidents.settings import sources
from incidents.settings.options import Options
from incidents.store.database.engine import plainly, reading

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from incidents.metrics.endpoint import Endpoint


SECTION = "metrics"
PORTS = range(1, 65_536)

Address = tuple[str, int]
"""A host name or an IP address, and a port."""


def listen_address(environ: Mapping[str, str] | None = None) -> Address | None:
    """The address at which the daemon serves the metrics; None if not set.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
    """
    options = Options(f"[{SECTION}]", sources.section(SECTION, environ))
    text = options.text("listen")
    options.finish()
    if text is None:
        return None
    host, colon, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= len("65535") else 0
    if not (colon and host) or number not in PORTS or "[" in host or "]" in host:
        raise options.wrong(
            "listen",
            Cause.of("must_address_port", 'an address and a port, such as "127.0.0.1:9464"'),
        )
    return host, number


PATIENCE_S = 4.0
"""The time limit for a query, and for waiting until another query ends: a scrape gives up after ten
seconds."""


class App(Protocol):
    """The database and its clock."""

    @property
    def bare_engine(self) -> Engine:
        """The database's engine; tables are neither checked nor created."""

    def now(self, connection: Connection) -> datetime:
        """The database's time, in UTC."""


class Watch:
    """The present samples of a process.

    If the database does not respond, one thread and one connection wait, however many scrapes there
    are; `warn` is called once with the reason.
    """

    def __init__(
        self, app: App, *, warn: Callable[..., None], patience_s: float = PATIENCE_S
    ) -> None:
        self.tally, self.expiry = AttemptCounters(), ExpiryCounters()
        self._tail = EntryCounters()
        self._app = app
        self._warn = warn
        self._patience_s = patience_s
        self._lock = Lock()
        self._attempts: Attempts[Samples | None] = Attempts(
            limit_s=patience_s, most=1, timed_out=None, busy=None
        )
        self._last_reason: str | None = None

    def begin(self) -> None:
        """Begin to count entries; if the database is not available, a later query does so."""
        self._read_database(report=lambda _: None)

    def samples(self) -> Samples:
        """The counters and the samples from the database, or one that says it is unavailable."""
        found = self._read_database(self._report) or static_samples(up=False)
        self._tail.add_to(found)
        self.tally.add_to(found)
        self.expiry.add_to(found)
        return found

    def _read_database(self, report: Callable[[str | None], None]) -> Samples | None:
        if not self._lock.acquire(timeout=self._patience_s):
            return None
        try:
            found = self._attempts.run(self._look)
        except Exception as error:  # noqa: BLE001 - any error is reported, and shown as 0
            report(error.message if isinstance(error, IncidentsError) else type(error).__name__)
            return None
        finally:
            self._lock.release()
        report(None if found else f"it took longer than {self._patience_s:.0f} s")
        return found

    def _look(self, _until: float) -> Samples:
        # The bare engine: only the daemon's own duties create the tables of a new file.
        engine = self._app.bare_engine
        with plainly(engine), reading(engine) as connection:
            found = look(connection, self._app.now(connection))
            self._tail.advance(connection)
        return found

    def _report(self, reason: str | None) -> None:
        if reason is not None and reason != self._last_reason:
            self._warn("the metrics cannot be read", reason=reason)
        self._last_reason = reason


LIBRARY = "prometheus_client"
RETRY_S = 30.0
"""The wait before another attempt to listen, in seconds."""

_NOT_SERVED = "the metrics are not served"


class MetricsLibraryError(LibraryError):
    """the settings ask for metrics, but their library is not installed"""

    extra = "metrics"


def required_address() -> Address | None:
    """The address from the settings; None if not set.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
        MetricsLibraryError: if the Prometheus library is not installed.
    """
    address = listen_address()
    if address is not None and find_spec(LIBRARY) is None:
        raise MetricsLibraryError
    return address


class Service:
    """The running service, from `start` to `stop`; `say` and `warn` write to the log."""

    def __init__(
        self,
        app: App,
        *,
        say: Callable[..., None],
        warn: Callable[..., None],
        again_s: float = RETRY_S,
    ) -> None:
        # Open it in the constructor: two threads would open it twice.
        _ = app.bare_engine
        self._watch = Watch(app, warn=warn)
        self.observed = self._watch.tally.observe
        self.deleted = self._watch.expiry.add
        self._say, self._warn, self._again_s = say, warn, again_s
        self._last_reason: str | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start the thread; if the settings are wrong, it reads them again until they are valid."""
        self._thread = Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def stop(self, within_s: float = 2.0) -> None:
        """Stop, without waiting for a client whose request is being answered."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(within_s)

    def _serve(self) -> None:
        address = self._find()
        if address is None:
            return
        registry = self._registry()
        # Loaded here, not at the first scrape.
        self._watch.begin()
        while not self._stop.is_set():
            endpoint = self._listen(address, registry)
            if endpoint is None:
                self._stop.wait(self._again_s)
                continue
            with endpoint:
                endpoint.run(self._stop.is_set)

    def _find(self) -> Address | None:
        while not self._stop.is_set():
            try:
                return required_address()
            except IncidentsError as error:
                self._warn_once(_NOT_SERVED, error.message, wait_s=self._again_s)
                self._stop.wait(self._again_s)
        return None

    def _registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry, ProcessCollector

        from incidents.metrics.exposition import SampleCollector

        registry = CollectorRegistry()
        registry.register(SampleCollector(self._watch.samples))
        ProcessCollector(registry=registry)
        return registry

    def _listen(self, address: Address, registry: CollectorRegistry) -> Endpoint | None:
        from incidents.metrics.endpoint import Endpoint

        shown = "{}:{}".format(*address)
        try:
            endpoint = Endpoint(address, registry, fault=self._failed)
        except OSError as error:
            reason = f"nobody can listen on {shown}: {error.strerror or type(error).__name__}"
            self._warn_once(_NOT_SERVED, reason, wait_s=self._again_s)
            return None
        self._last_reason = None
        self._say(f"the metrics are served on {shown}")
        return endpoint

    def _failed(self, error: BaseException) -> None:
        self._warn_once("a scrape failed", f"a fault in this program: {type(error).__name__}")

    def _warn_once(self, sentence: str, reason: str, **facts: object) -> None:
        if reason != self._last_reason:
            self._warn(sentence, reason=reason, **facts)
        self._last_reason = reason
