"""The service: what the daemon runs to be watched, if its settings ask for that.

It has a thread of its own: neither a client, nor a port that is taken, nor a library that is not
there holds up anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from threading import Event, Thread
from typing import TYPE_CHECKING

from incidents.errors import IncidentsError, LibraryError
from incidents.metrics import metrics_settings
from incidents.metrics.metrics_settings import Address
from incidents.metrics.watch import House, Watch

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from incidents.metrics.endpoint import Endpoint

LIBRARY = "prometheus_client"
AGAIN_S = 30.0
"""So long after it could not listen, it is tried again."""

_NOT_SERVED = "the metrics are not served"


class MetricsLibraryError(LibraryError):
    """the settings ask for metrics, and their library is not installed"""

    extra = "metrics"


def needed() -> Address | None:
    """Where the settings want the metrics, with all that is needed there; None: nowhere.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
        MetricsLibraryError: without the library.
    """
    address = metrics_settings.listen()
    if address is not None and find_spec(LIBRARY) is None:
        raise MetricsLibraryError
    return address


class Service:
    """Serves the metrics from `start` to `stop`.

    `say` and `warn` are told what a log should have.
    """

    def __init__(
        self,
        house: House,
        *,
        say: Callable[..., None],
        warn: Callable[..., None],
        again_s: float = AGAIN_S,
    ) -> None:
        # Opened by the thread that makes this: two at once would open it twice.
        _ = house.bare_engine
        self._watch = Watch(house, warn=warn)
        self.observed = self._watch.tally.observe
        self._say, self._warn, self._again_s = say, warn, again_s
        self._trouble: str | None = None
        self._stop = Event()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin; what is wrong in the settings is looked at again until it is mended."""
        self._thread = Thread(target=self._serve, name="metrics", daemon=True)
        self._thread.start()

    def stop(self, within_s: float = 2.0) -> None:
        """End; a client that is being answered is left to itself."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(within_s)

    def _serve(self) -> None:
        address = self._find()
        if address is None:
            return
        registry = self._registry()
        # Here, and not with the first scrape.
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
                return needed()
            except IncidentsError as error:
                self._not_served(error.message)
                self._stop.wait(self._again_s)
        return None

    def _not_served(self, reason: str) -> None:
        if reason != self._trouble:
            self._warn(_NOT_SERVED, reason=reason, wait_s=self._again_s)
        self._trouble = reason

    def _registry(self) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry, ProcessCollector

        from incidents.metrics.exposition import Exposed

        registry = CollectorRegistry()
        registry.register(Exposed(self._watch.samples))
        ProcessCollector(registry=registry)
        return registry

    def _listen(self, address: Address, registry: CollectorRegistry) -> Endpoint | None:
        from incidents.metrics.endpoint import Endpoint

        shown = "{}:{}".format(*address)
        try:
            endpoint = Endpoint(address, registry, fault=self._told)
        except OSError as error:
            self._not_served(
                f"nobody can listen on {shown}: {error.strerror or type(error).__name__}"
            )
            return None
        self._trouble = None
        self._say(f"the metrics are served on {shown}")
        return endpoint

    def _told(self, error: BaseException) -> None:
        reason = f"a fault in this program: {type(error).__name__}"
        if reason != self._trouble:
            self._warn("a scrape failed", reason=reason)
        self._trouble = reason
