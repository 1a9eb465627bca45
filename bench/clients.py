"""The clients that log over HTTP: each a worker with one connection, which is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench import workers
from bench.exchange import Exchange, request
from bench.loggings import Share
from bench.register import NOTE, address, site_name


def by_the_api(
    start: workers.Start, ports: Sequence[int], headers: Mapping[str, str], share: Share
) -> tuple[float, float]:
    """A worker: one client of the API, whose servers have their clients in turn."""
    port = ports[share.first % len(ports)]
    asked = [
        request(
            "POST", f"/api/v1/sites/{site_name(site)}/incidents", headers,
            _finding(site, n),
        )
        for site, n in share.all()
    ]  # fmt: skip
    return _asking(start, port, asked, share.warm_up)


def by_the_app(start: workers.Start, port: int, share: Share) -> tuple[float, float]:
    """A worker: one client of the bare app."""
    asked = [
        request("POST", f"/sites/{site}/incidents", {}, _finding(site, n))
        for site, n in share.all()
    ]
    return _asking(start, port, asked, share.warm_up)


def _finding(site: int, n: int) -> dict[str, Any]:
    return {"urls": [address(site, n)], "note": NOTE}


def _asking(
    start: workers.Start, port: int, asked: list[bytes], warm_up: int
) -> tuple[float, float]:
    server = Exchange(port)
    for each in asked[:warm_up]:
        server.ask(each, 201)
    start()
    began = workers.moment()
    for each in asked[warm_up:]:
        server.ask(each, 201)
    ended = workers.moment()
    server.close()
    return began, ended
