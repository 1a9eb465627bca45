"""The settings: from options, then the environment, then the settings file.

The file is TOML: `INCIDENTS_CONFIG`, or `config.toml` in the user's configuration folder. Each of
its keys has a variable, `INCIDENTS_` and the key in capitals. A section of the file belongs to the
service of that name.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents import clock
from incidents.errors import (
    Cause,
    InputError,
    SettingError,
    UnknownSettingError,
    one_of,
)
from incidents.settings.layers import Layers, config_file
from incidents.values import language_tag
from incidents.values.language_tag import Tag
from incidents.values.person_name import RESERVED_PERSONS, check_person

if TYPE_CHECKING:
    from datetime import tzinfo

DEFAULT_ZONE = "Asia/Shanghai"
DEFAULT_EVIDENCE_LIMIT = 50 * 2**20
DEFAULT_REPLICA_LAG = timedelta(seconds=10)
LEAST_REPLICA_LAG, MOST_REPLICA_LAG = timedelta(seconds=1), timedelta(hours=1)
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one run of the program.

    `db`: a URL; None: the user's own SQLite file. `person`: the person who acts; `named`: the name
    was given explicitly. `login`: the name of the process's owner. `zone`: the time zone for times
    that people read and write. `language`: the language of messages to people. `evidence`: the
    folder of attached files; `evidence_limit`: the maximum size of a file in bytes. `own_clock`:
    the clock is simulated, and may jump; `fast_clock`: one that runs faster. `daemon_processes`:
    `one` or `several`; None: as many as the machine's processors suggest. `server`: the address of
    a server to use instead of a database, as the account of `token`. `replica`: the URL of a
    standby of `db` for reading, if its state is at most `replica_lag` behind.
    """

    db: str | None
    person: str
    login: str
    zone: tzinfo
    language: Tag
    evidence: Path
    evidence_limit: int
    own_clock: bool = False
    fast_clock: clock.FastClock | None = None
    daemon_processes: str | None = None
    server: str | None = None
    token: str | None = None
    named: bool = False
    replica: str | None = None
    replica_lag: timedelta = DEFAULT_REPLICA_LAG


def load(
    *,
    db: str | None = None,
    person: str | None = None,
    zone: str | None = None,
    lang: str | None = None,
    server: str | None = None,
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Load the settings of this run; each argument is the option of that name, None if not given.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the file or variable.
        InputError: for `zone`, for `db` and `server` together, or for an empty one.
        ReservedNameError, BadTextError, EmptyTextError, TextTooLongError, TellingNameError: for
            `person`.
    """
    if db and server:
        raise InputError.coded(
            "not_together", "{one} and {other} exclude each other", one="--db", other="--server"
        )
    # An unset variable in a script must not mean the user's own database.
    for option, given in (("--db", db), ("--server", server)):
        if given == "":
            raise InputError.coded("empty_url", "{option} is empty: write a URL", option=option)
    layers = Layers(os.environ if environ is None else environ)
    # An option for either goes before a setting for the other.
    server_url = server or (None if db else layers.text("server"))
    url = db or layers.text("db")
    owner = login()
    name = person if person is not None else layers.text("as")
    # The login, unless it is a reserved name.
    default_person = f"{owner}-login" if owner.casefold() in RESERVED_PERSONS else owner
    evidence = layers.text("evidence")
    simulated, fast_clock = layers.simulated_clock()
    if server_url and fast_clock is not None:
        raise InputError.coded(
            "not_together", "{one} and {other} exclude each other",
            one="--server", other=f"INCIDENTS_CLOCK={fast_clock}",
        )  # fmt: skip
    return Settings(
        db=url,
        person=default_person if name is None else check_person(name),
        login=owner,
        zone=clock.zone(zone) if zone is not None else _zone_setting(layers),
        language=_language(lang, layers),
        evidence=Path(evidence).expanduser() if evidence else default_path(url, "evidence"),
        evidence_limit=layers.size("evidence_limit", DEFAULT_EVIDENCE_LIMIT),
        own_clock=fast_clock is not None or simulated == "own",
        fast_clock=fast_clock,
        daemon_processes=layers.choice("daemon_processes", ("one", "several"), None),
        server=server_url,
        token=layers.token() if server_url else None,
        named=name is not None,
        # The replica of the settings belongs to the database of the settings.
        replica=None if db or server_url else layers.text("db_replica"),
        replica_lag=_replica_lag(layers),
    )


def section(name: str, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return a service's section of the settings file; empty if the file has no such section."""
    return dict(Layers(os.environ if environ is None else environ).sections.get(name, {}))


def file(environ: Mapping[str, str] | None = None) -> Path:
    """Return the path of this run's settings file, which may not exist."""
    return config_file(os.environ if environ is None else environ)


def check_sections(known: Iterable[str], environ: Mapping[str, str] | None = None) -> None:
    """Check that the file has only these sections, because a misspelt section is never read.

    Raises:
        SettingsFileError: if the file cannot be read.
        UnknownSettingError: naming the first unknown section.
    """
    layers = Layers(os.environ if environ is None else environ)
    names = sorted(known)
    for name in layers.sections:
        if name not in names:
            raise UnknownSettingError(
                where=layers.file, setting=f"[{name}]", known=", ".join(f"[{n}]" for n in names)
            )


def login() -> str:
    """Return the name of the process's owner, independent of the environment."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"


def data_folder() -> Path:
    """Return the user's data folder; it may not exist yet."""
    from platformdirs import user_data_path

    return user_data_path("incidents", appauthor=False)


def default_path(url: str | None, name: str) -> Path:
    """Return a file's default path: beside the database's own file, or in the data folder."""
    if url is not None and url.startswith(_SQLITE):
        return Path(url.removeprefix(_SQLITE)).expanduser().parent / name
    return data_folder() / name


def _language(lang: str | None, layers: Layers) -> Tag:
    """Return the requested or configured language, or a supported language from the locale."""
    value, where, setting = layers.value("lang")
    wanted = lang or value
    found = language_tag.tag(str(wanted or language_tag.of_locale(layers.environ)))
    if wanted and found is None:
        expected = one_of(("en", "zh"))
        if lang:
            raise InputError.coded(
                "unknown_language", "unknown language: {given!r} (write en or zh)", given=lang
            )
        raise SettingError(where=where, setting=setting, value=value, expected=expected)
    return found or "en"


def _replica_lag(layers: Layers) -> timedelta:
    value, where, setting = layers.value("db_replica_lag")
    if value is None:
        return DEFAULT_REPLICA_LAG
    # Loaded only for those who set it.
    from incidents.machine.policy import read_duration, write_duration

    try:
        found = read_duration(value) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        found = None
    if found is None or not LEAST_REPLICA_LAG <= found <= MOST_REPLICA_LAG:
        expected = Cause.of(
            "must_duration", 'a duration such as "{such}", from {least} to {most}',
            such=write_duration(DEFAULT_REPLICA_LAG), least=write_duration(LEAST_REPLICA_LAG),
            most=write_duration(MOST_REPLICA_LAG),
        )  # fmt: skip
        raise SettingError(where=where, setting=setting, value=value, expected=expected)
    return found


def _zone_setting(layers: Layers) -> tzinfo:
    value, where, setting = layers.value("zone")
    try:
        return clock.zone(DEFAULT_ZONE if value is None else str(value))
    except InputError as error:
        raise SettingError(
            where=where,
            setting=setting,
            value=value,
            expected=Cause.of("must_zone", "a zone such as Asia/Shanghai"),
        ) from error
