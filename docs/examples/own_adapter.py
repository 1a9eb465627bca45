"""An adapter of one's own: carries orders out in a control panel, over its interface in HTTP."""

import json
import urllib.request
from datetime import timedelta
from typing import Any, get_args
from urllib.error import HTTPError
from urllib.parse import quote

from incidents.enforcement.port import Delivered, Failed, Order, Outcome, Retry, State
from incidents.settings.options import Options

SECOND = timedelta(seconds=1)
TO: dict[str, State] = {"suspend": "suspended", "reopen": "active", "close": "closed"}


class Panel:
    """One instance serves several threads, so it keeps nothing that an order changes."""

    def __init__(self, name: str, url: str, token: str, timeout: timedelta) -> None:
        self.name = name
        self._url, self._token, self._timeout_s = url, token, timeout.total_seconds()

    def deliver(self, order: Order) -> Outcome:
        """One attempt. It may come again, so it says how the site is to stand, not what to do."""
        try:
            self._ask("PUT", order.site, {"state": TO[order.kind], "order": order.id})
        except HTTPError as error:
            return _refused(error)
        except (OSError, ValueError):
            # Perhaps it did it all the same: nobody knows, and the next attempt will tell.
            return Retry(problem="no_answer")
        return Delivered()

    def state(self, site: str) -> State | None:
        """How the site really stands, for `incidents orders reconcile`; None if nobody knows."""
        try:
            told = self._ask("GET", site).get("state")
        except (OSError, ValueError):
            return None
        return next((state for state in get_args(State) if state == told), None)

    def _ask(self, method: str, site: str, document: object = None) -> dict[str, Any]:
        asked = urllib.request.Request(  # noqa: S310 - the address is the operator's own
            f"{self._url}/sites/{quote(site, safe='')}",
            method=method,
            data=None if document is None else json.dumps(document).encode(),
            headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked, timeout=self._timeout_s) as answer:  # noqa: S310 - so
            found = json.loads(answer.read(65_536) or b"{}")
        return found if isinstance(found, dict) else {}


def _refused(error: HTTPError) -> Outcome:
    problem = f"http_{error.code}"
    if error.code in (400, 401, 403, 404, 410, 422):
        return Failed(problem=problem, detail="the panel will never do this: look at it")
    asked = error.headers.get("Retry-After", "")
    after = timedelta(seconds=min(int(asked), 86_400)) if asked.isdecimal() else None
    return Retry(problem=problem, after=after)


def make(name: str, options: Options) -> Panel:
    """The adapter, from its table in the settings; what is wrong there is told by its key."""
    token = options.secret("token")
    if token is None:
        raise options.wrong("token", "there: it is needed (or token_file, or token_env)")
    timeout = options.duration("timeout", 10 * SECOND, least=SECOND, most=15 * SECOND)
    return Panel(name, options.needed("url").rstrip("/"), token, timeout)
