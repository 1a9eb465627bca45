"""The check of all settings that a daemon reads, made before a daemon is started."""

from __future__ import annotations

from incidents.accounts import access_settings
from incidents.app import App
from incidents.audit.log import status
from incidents.daemon import delivery
from incidents.daemon.alarm_duty import Alarms
from incidents.daemon.record import Record
from incidents.enforcement import routing
from incidents.filing import settings as filing_settings
from incidents.inbox import imap
from incidents.metrics import service
from incidents.notices import customer_link, notice_settings, reporter_lane
from incidents.settings import archive, inbox, police, retention, sources
from incidents.store.archive import parts

_SECTIONS = (
    routing.SECTION, notice_settings.NOTICES, notice_settings.ALARMS, customer_link.SECTION,
    police.SECTION, service.SECTION, status.SECTION, retention.SECTION, archive.SECTION,
    access_settings.SERVE, access_settings.OIDC, access_settings.ACCOUNTS, filing_settings.SECTION,
    inbox.SECTION,
)  # fmt: skip


def check(app: App) -> list[str]:
    """Check all settings of a daemon; return the lanes for which nothing is set up.

    No duty is started.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, TemplateError, MissingLibraryError,
            MissingPartError, RetentionTooShortError, BadRetentionError, BadArchiveError,
            MetricsLibraryError, ImapLibraryError: if anything is wrong; the error names the first
            fault.
        InputError, DatabaseError: if a daemon would not start on this database.
        PartMissingError, PartAlteredError: if an archive part is not there, or has another size.
    """
    check_unread()
    Record(app)
    service.required_address()
    Alarms(app).read()
    retention.of_settings()
    archive.of_settings(app.settings.db)
    filing_settings.load()
    own = inbox.read(sources.section(inbox.SECTION))
    if own.answers:
        reporter_lane.reporter_lane(app, own.languages)
    imap.account()
    idle = delivery.check(app)
    # Whether there is one: a daemon reads the primary alone.
    _ = app.replica
    with app.reading() as connection:
        parts.check_all(connection)
        return idle


def check_unread() -> None:
    """Check the settings that no duty reads: the names of the sections, and [accounts].

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: if anything is wrong; the error names
            the first fault.
    """
    sources.check_sections(_SECTIONS)
    access_settings.second_after()
