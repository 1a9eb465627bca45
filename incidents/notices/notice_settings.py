"""The notices' settings: the sections [notices] and [alarms] of the settings file.

A channel is a table inside [notices], `[notices.mail]` say; [alarms] names those that the desk is
told by, and says in a table of its own, `[alarms.mail]`, to whom and when not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from incidents.notices import address, chat, quiet, samples, smtp
from incidents.notices.address import BadAddressError
from incidents.notices.letter import LANGUAGES, Channel, Office, Recipient
from incidents.notices.quiet import Quiet
from incidents.notices.wording import Wording
from incidents.settings import sources
from incidents.settings.options import Options

NOTICES, ALARMS = "notices", "alarms"
MAIL, CHAT = TYPES = ("smtp", "chat")


@dataclass(frozen=True, slots=True)
class Outlet:
    """A channel to the desk: to whom on it, and when it is left in peace."""

    channel: Channel
    to: Recipient
    quiet: Quiet | None = None


@dataclass(frozen=True, slots=True)
class ToCustomer:
    """How the customer is written to: the channels are tried in their order."""

    wording: Wording
    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class ToDesk:
    """How the desk is told: by each of the outlets."""

    wording: Wording
    outlets: tuple[Outlet, ...]


def wording(zone: tzinfo, environ: Mapping[str, str] | None = None) -> Wording:
    """How the customer is written to, without the channels: for a preview, which sends nothing.

    Raises:
        SettingError, SettingsFileError: naming what is wrong.
    """
    return _wording(_options(NOTICES, environ), zone, needed=False)


def to_customer(zone: tzinfo, environ: Mapping[str, str] | None = None) -> ToCustomer:
    """What [notices] says; times are told in `zone`.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming what is wrong.
        NoAppriseError: naming what to install.
        TemplateError: of a template of the operator's that is wrong.
    """
    section = sources.section(NOTICES, environ)
    options = Options(f"[{NOTICES}]", section)
    names = options.texts("channels")
    words = _wording(options, zone, needed=bool(names))
    known = {name: _channel(options, name) for name in _tables(section)}
    options.finish()
    for name in names:
        if name not in known:
            raise options.wrong("channels", f"names of tables such as [{NOTICES}.{name}]")
    if names:
        words.check()
    return ToCustomer(words, tuple(known[name] for name in names))


def to_desk(zone: tzinfo, environ: Mapping[str, str] | None = None) -> ToDesk:
    """What [alarms] says, of channels of [notices] or of its own; raises as `to_customer` does."""
    notices = _options(NOTICES, environ)
    section = sources.section(ALARMS, environ)
    options = Options(f"[{ALARMS}]", section)
    names = options.texts("channels")
    words = _wording(notices, zone, needed=bool(names), languages=_languages(options, ()))
    known = {name: _outlet(options, notices, name, zone) for name in (*_tables(section), *names)}
    options.finish()
    if names:
        words.check()
    return ToDesk(words, tuple(known[name] for name in dict.fromkeys(names)))


def _options(section: str, environ: Mapping[str, str] | None) -> Options:
    return Options(f"[{section}]", sources.section(section, environ))


def _tables(section: Mapping[str, Any]) -> list[str]:
    return [name for name, value in section.items() if isinstance(value, dict)]


def _wording(
    options: Options, zone: tzinfo, *, needed: bool, languages: tuple[str, ...] = ()
) -> Wording:
    name, sample = options.text("desk_name"), samples.OFFICE
    if needed and name is None:
        raise options.wrong("desk_name", "there: who writes to the customer")
    office = Office(
        name=name or sample.name,
        phone=options.text("desk_phone", None if name else sample.phone),
        mail=options.text("desk_mail", None if name else sample.mail),
    )
    if needed and office.phone is None and office.mail is None:
        raise options.wrong("desk_phone", "there, or desk_mail: how the customer can answer")
    folder = options.path("templates")
    if folder is not None and not folder.is_dir():
        raise options.wrong("templates", "a folder")
    own = _languages(options, LANGUAGES)
    return Wording(office, zone, languages=languages or own, folder=folder)


def _languages(options: Options, default: tuple[str, ...]) -> tuple[str, ...]:
    found = options.texts("languages") or default
    if not set(found) <= set(LANGUAGES) or len(set(found)) != len(found):
        raise options.wrong("languages", f"a list of {' and '.join(LANGUAGES)}, each once")
    return found


def _channel(options: Options, name: str) -> Channel:
    own = options.table(name)
    assert own is not None, "asked of tables alone"
    made = _made(own, name, options.text("desk_name") or "")
    own.finish()
    return made


def _made(own: Options, name: str, sender_name: str) -> Channel:
    kind = own.text("type")
    if kind == MAIL:
        return smtp.make(name, own, sender_name)
    if kind == CHAT:
        return chat.make(name, own)
    raise own.wrong("type", " or ".join(TYPES))


def _outlet(options: Options, notices: Options, name: str, zone: tzinfo) -> Outlet:
    own = options.table(name) or Options(f"[{ALARMS}.{name}]", {})
    if own.text("type") is not None:
        channel = _made(own, name, notices.text("desk_name") or "")
    elif notices.table(name) is not None:
        channel = _channel(notices, name)
    else:
        raise options.wrong(
            "channels", f"names of tables such as [{NOTICES}.{name}] or [{ALARMS}.{name}]"
        )
    outlet = Outlet(channel, Recipient(mail=_to(own, channel)), _quiet(own, zone))
    own.finish()
    return outlet


def _to(own: Options, channel: Channel) -> tuple[str, ...]:
    found = own.texts("to")
    if isinstance(channel, smtp.Mail) and not found:
        raise own.wrong("to", "a list of addresses: a mail goes to somebody")
    for each in found:
        try:
            address.read(each)
        except BadAddressError as error:
            raise own.wrong("to", f'addresses such as "desk@host.example" ({error})') from error
    return found


def _quiet(own: Options, zone: tzinfo) -> Quiet | None:
    hours = own.text("quiet")
    if hours is None:
        return None
    try:
        return quiet.read(hours, zone)
    except ValueError as error:
        raise own.wrong("quiet", 'hours such as "23:00-07:00"') from error
