"""The settings of notices: the sections [notices] and [alarms], and lanes without a channel.

In quiet hours, between two times of day in a zone, a channel gets no alarms that can wait.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from incidents.errors import Cause, SettingsFileError, UnknownSettingError
from incidents.machine.orders import DESK, NOTICE
from incidents.notices import chat, message, notice_types, samples, smtp
from incidents.notices.letter import Channel, DeskContact, Recipient
from incidents.notices.message import BadAddressError
from incidents.notices.notice_types import LANGUAGES
from incidents.notices.wording import Wording
from incidents.settings import sources
from incidents.settings.options import Options

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Notice

_FORM = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Quiet hours from `begin` until `end` in `zone`; past midnight if `end` is earlier."""

    begin: time
    end: time
    zone: tzinfo

    def ends(self, now: datetime) -> datetime | None:
        """The time (UTC) at which the quiet hours end; None if `now` (aware) is outside them."""
        local = now.astimezone(self.zone)
        shown = local.time().replace(fold=0)
        over_midnight = self.end < self.begin
        evening = shown >= self.begin
        on = (evening or shown < self.end) if over_midnight else (evening and shown < self.end)
        if not on:
            return None
        day = local.date() + timedelta(days=1 if over_midnight and evening else 0)
        # When the clocks go back, the first moment of that time of day may be past.
        moments = (
            datetime.combine(day, self.end.replace(fold=fold), tzinfo=self.zone) for fold in (0, 1)
        )
        later = [end for end in (moment.astimezone(UTC) for moment in moments) if end > now]
        return min(later, default=now.astimezone(UTC) + timedelta(minutes=1))


def read_quiet_hours(text: str, zone: tzinfo) -> QuietHours:
    """Read quiet hours such as `23:00-07:00`, in `zone`.

    Raises:
        ValueError: for any other format, and for hours that never end.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise ValueError(f"not hours of the day: {text!r}")
    first, minute, last, end_minute = map(int, found.groups())
    begin, end = time(first, minute), time(last, end_minute)
    if begin == end:
        raise ValueError(f"they would never end: {text!r}")
    return QuietHours(begin, end, zone)


NOTICES, ALARMS = "notices", "alarms"
_LANES = {NOTICE: (NOTICES, "customer"), DESK: (ALARMS, "desk")}
"""For each lane, the section with its channels, and its recipient as in `notice_types.NOTICES`."""

CHANNELS = {lane: f"[{section}] channels" for lane, (section, _) in _LANES.items()}
"""For each lane, the setting with its channels, for display."""

MAIL, CHAT = TYPES = ("smtp", "chat")


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel to the desk, with its recipients and quiet hours."""

    channel: Channel
    to: Recipient
    quiet: QuietHours | None = None


@dataclass(frozen=True, slots=True)
class CustomerSettings:
    """The settings of the customer's lane: the wording, and the channels in the order of use."""

    wording: Wording
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class ReporterSettings:
    """The settings of mails to reporters: the wording, and the channel of customers' mails."""

    wording: Wording
    channel: smtp.Mail


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """The settings of the desk's lane: the wording, and the outlets, which are all used."""

    wording: Wording
    outlets: tuple[Outlet, ...]


def wording(zone: tzinfo, environ: Mapping[str, str] | None = None) -> Wording:
    """The customer's wording for a preview, without the channels.

    Raises:
        SettingError, SettingsFileError: naming the wrong setting.
    """
    return _wording(_options(NOTICES, environ), zone, needed=False)


def customer_settings(zone: tzinfo, environ: Mapping[str, str] | None = None) -> CustomerSettings:
    """Read the section [notices]; times are shown in `zone`.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
        NoAppriseError: naming the library to install.
        TemplateError: for a wrong template of the operator.
    """
    section = sources.section(NOTICES, environ)
    options = Options(f"[{NOTICES}]", section)
    names = options.texts("channels")
    words = _wording(options, zone, needed=bool(names))
    known = {name: _channel(options, name) for name in _tables(section)}
    options.finish()
    for name in names:
        if name not in known:
            raise options.wrong(
                "channels",
                Cause.of(
                    "must_channel_names",
                    "names of tables such as [{notices}.{name}]",
                    notices=NOTICES,
                    name=name,
                ),
            )
    if names:
        words.check()
    return CustomerSettings(words, tuple(known[name] for name in names))


def reporter_settings(
    zone: tzinfo, languages: tuple[str, ...] = (), environ: Mapping[str, str] | None = None
) -> ReporterSettings:
    """The first channel of [notices] that sends mail, for mails to reporters in those languages.

    Raises the same errors as `customer_settings`, also if there is no such channel.
    """
    options = _options(NOTICES, environ)
    customers = customer_settings(zone, environ)
    for channel in customers.channels:
        if isinstance(channel, smtp.Mail):
            words = _wording(options, zone, needed=True, languages=_known(options, languages))
            return ReporterSettings(words, channel)
    raise options.wrong(
        "channels", Cause.of("must_mail_channel", "one with type smtp: reporters are sent mail")
    )


def desk_settings(zone: tzinfo, environ: Mapping[str, str] | None = None) -> DeskSettings:
    """Read the section [alarms], with its own channels or those of [notices].

    Raises the same errors as `customer_settings`.
    """
    notices = _options(NOTICES, environ)
    section = sources.section(ALARMS, environ)
    options = Options(f"[{ALARMS}]", section)
    names = options.texts("channels")
    words = _wording(notices, zone, needed=bool(names), languages=_languages(options, ()))
    known = {name: _outlet(options, notices, name, zone) for name in (*_tables(section), *names)}
    options.finish()
    if names:
        words.check()
    return DeskSettings(words, tuple(known[name] for name in dict.fromkeys(names)))


def lanes_without_channel(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """For each lane without a channel, the setting to change; empty if the file is unreadable."""
    try:
        return {
            lane: CHANNELS[lane]
            for lane, (section, _) in _LANES.items()
            if not sources.section(section, environ).get("channels")
        }
    except (SettingsFileError, UnknownSettingError):
        return {}


def listed(unset: Mapping[str, str]) -> list[Notice]:
    """The notices as JSON; if a notice's lane has no channel, with the setting from `unset`."""
    settings = {_LANES[lane][1]: setting for lane, setting in unset.items()}
    found: list[Notice] = []
    for name, entry in notice_types.NOTICES.items():
        notice: Notice = {"notice": name, "to": entry.to, "when": entry.when}
        if entry.to in settings:
            notice["unset"] = settings[entry.to]
        found.append(notice)
    return found


def _options(section: str, environ: Mapping[str, str] | None) -> Options:
    return Options(f"[{section}]", sources.section(section, environ))


def _tables(section: Mapping[str, Any]) -> list[str]:
    return [name for name, value in section.items() if isinstance(value, dict)]


def _wording(
    options: Options, zone: tzinfo, *, needed: bool, languages: tuple[str, ...] = ()
) -> Wording:
    name, sample = options.text("desk_name"), samples.OFFICE
    if needed and name is None:
        raise options.wrong("desk_name", Cause.of("must_sender", "set: it names the sender"))
    office = DeskContact(
        name=name or sample.name,
        phone=options.text("desk_phone", None if name else sample.phone),
        mail=options.text("desk_mail", None if name else sample.mail),
    )
    if needed and office.phone is None and office.mail is None:
        raise options.wrong(
            "desk_phone",
            Cause.of("must_reply", "set, or desk_mail: the customer must be able to answer"),
        )
    folder = options.path("templates")
    if folder is not None and not folder.is_dir():
        raise options.wrong("templates", Cause.of("must_folder", "a folder"))
    own = _languages(options, LANGUAGES)
    return Wording(office, zone, languages=languages or own, folder=folder)


def _languages(options: Options, default: tuple[str, ...]) -> tuple[str, ...]:
    return _known(options, options.texts("languages") or default)


def _known(options: Options, found: tuple[str, ...]) -> tuple[str, ...]:
    if not set(found) <= set(LANGUAGES) or len(set(found)) != len(found):
        raise options.wrong(
            "languages",
            Cause.of(
                "must_languages", "a list of {known}, each once", known=" and ".join(LANGUAGES)
            ),
        )
    return found


def _channel(options: Options, name: str) -> Channel:
    own = options.table(name)
    assert own is not None, "asked of tables alone"
    made = _make_channel(own, name, options.text("desk_name") or "")
    own.finish()
    return made


def _make_channel(own: Options, name: str, sender_name: str) -> Channel:
    kind = own.text("type")
    if kind == MAIL:
        return smtp.make(name, own, sender_name)
    if kind == CHAT:
        return chat.make(name, own)
    raise own.wrong("type", " or ".join(TYPES))


def _outlet(options: Options, notices: Options, name: str, zone: tzinfo) -> Outlet:
    own = options.table(name) or Options(f"[{ALARMS}.{name}]", {})
    if own.text("type") is not None:
        channel = _make_channel(own, name, notices.text("desk_name") or "")
    elif notices.table(name) is not None:
        channel = _channel(notices, name)
    else:
        raise options.wrong(
            "channels",
            Cause.of(
                "must_channel_names_alarms",
                "names of tables such as [{notices}.{name}] or [{alarms}.{name}]",
                notices=NOTICES,
                name=name,
                alarms=ALARMS,
            ),
        )
    outlet = Outlet(channel, Recipient(mail=_recipients(own, channel)), _quiet_hours(own, zone))
    own.finish()
    return outlet


def _recipients(own: Options, channel: Channel) -> tuple[str, ...]:
    found = own.texts("to")
    if isinstance(channel, smtp.Mail) and not found:
        raise own.wrong("to", Cause.of("must_recipients", "a list of at least one address"))
    for each in found:
        try:
            message.read_address(each)
        except BadAddressError as error:
            raise own.wrong(
                "to",
                Cause.of(
                    "must_mail_addresses",
                    'addresses such as "desk@host.example" ({why})',
                    why=str(error),
                ),
            ) from error
    return found


def _quiet_hours(own: Options, zone: tzinfo) -> QuietHours | None:
    hours = own.text("quiet")
    if hours is None:
        return None
    try:
        return read_quiet_hours(hours, zone)
    except ValueError as error:
        raise own.wrong("quiet", Cause.of("must_hours", 'hours such as "23:00-07:00"')) from error
