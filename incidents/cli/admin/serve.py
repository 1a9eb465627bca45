"""The service on the command line: API, console and customers' pages over HTTP, until stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli.options import looking
from incidents.errors import DONE

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.notices.customer_settings import Links


DEFAULT_PORT = 7390


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port; 0 takes one that is free.",
)
@looking
def serve(run: Run, *, host: str, port: int) -> int:
    """Serve the API at /api/v1, the console at /, and the customer's page at /c.

    By plain HTTP, on this machine alone: put a web server with TLS before it, which keeps the path
    (docs/how-to/nginx-for-serve.conf), and name it in [serve] trusted_proxies.
    People sign in with accounts (incidents account); the customer's page is there once [customer]
    stands in the settings. SIGTERM ends it.
    """
    run.insist_on_this_machine("a server runs where it is started, beside the database")
    from incidents import clock
    from incidents.accounts import serve_key
    from incidents.daemon import settings_check
    from incidents.desk import keying
    from incidents.desk.account_act import By
    from incidents.notices.customer_settings import PATH
    from incidents.store.database.access import open_to_others
    from incidents.web import service

    service.needed()
    settings_check.check_unread()
    if warning := open_to_others(run.local.bare_engine):
        run.tell(warning)
    house, by = run.local, By(person=run.settings.person, login=run.settings.login)
    key = serve_key.file(run.settings)
    if found := keying.begin(house.engine, house.desk, key, by, clock.now):
        run.tell(str(found))

    def listening(url: str, links: Links | None) -> None:
        if warning := _warning(url):
            run.tell(warning)
        run.tell(f"serves the console at {url}/ and the API at {url}/api/v1")
        if links is not None:
            page = f"serves the customer's page at {url}/{PATH}/…, for links to {links.base_url}"
            run.tell(page)
        run.say(url)

    service.serve(run.local, host=host, port=port, listening=listening)
    return DONE


def _warning(url: str) -> str | None:
    """What is wrong with listening there; None on the loopback, and where a proxy is named."""
    from ipaddress import ip_address
    from urllib.parse import urlsplit

    from incidents.accounts import access_settings

    host = str(urlsplit(url).hostname)
    is_near = ip_address(host.partition("%")[0]).is_loopback
    if is_near or access_settings.serve().trusted_proxies:
        return None
    return (
        f"WARNING: other machines reach {host} by plain HTTP, so passwords can be read on the way. "
        "Put a web server with TLS before it and name that in [serve] trusted_proxies, or leave "
        "--host out"
    )
