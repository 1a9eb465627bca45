"""The service: the console as a process that listens until it is told to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from incidents import web_server
from incidents.console.customer_app import CustomerApp
from incidents.console.customer_page import CustomerPage
from incidents.notices import customer_settings, notice_settings
from incidents.notices.customer_settings import Links

if TYPE_CHECKING:
    from incidents.bootstrap import House

EXTRA = "console"


def serve(house: House, *, host: str, port: int, listening: Callable[[str, Links], object]) -> None:
    """Serve the customers' pages until SIGTERM or SIGINT; `listening` is told where, once it does.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
        TemplateError: of a template of the operator's that is wrong.
        DatabaseError: if there is no database, or none of this program's.
        NoServerError, AddressError: see `web_server`.
    """
    links = customer_settings.needed()
    page = CustomerPage(notice_settings.wording(house.settings.zone), customer_settings.office())
    page.check()
    # Opened by this thread, before others ask for it.
    app = CustomerApp(house.desk, house.reading, links, page)
    web_server.run(
        app, host=host, port=port, extra=EXTRA, listening=lambda url: listening(url, links)
    )
