"""The check of the settings: all that a daemon reads from them, before one is started with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.daemon import delivery
from incidents.daemon.alarm_duty import Alarms
from incidents.daemon.record import Record
from incidents.metrics import metrics_settings

if TYPE_CHECKING:
    from incidents.bootstrap import House


def check(house: House) -> bool:
    """Whether anything in the world is changed with these settings; no duty is begun.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError, TemplateError, MissingLibraryError:
            naming the first thing that is wrong.
    """
    Record(house)
    metrics_settings.listen()
    Alarms(house)
    return delivery.check(house)
