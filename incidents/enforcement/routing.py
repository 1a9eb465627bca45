"""The routing: the choice of an adapter for each site, from the section [acts] of the settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import translate
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from incidents.desk.text import MAX_DIGITS
from incidents.enforcement.log import Log
from incidents.enforcement.port import Adapter
from incidents.enforcement.waiting import BRAKE, Brake
from incidents.errors import BadSiteNameError, Cause, IncidentsError, LibraryError
from incidents.machine.command import LOG
from incidents.settings import sources
from incidents.settings.options import Options
from incidents.values import site_name

SECTION = "acts"
ENTRY_POINTS = "incidents.acts"
"""The name of the entry-point group for third-party adapters."""

DEFAULT = LOG
_NAME = re.compile("[a-z][a-z0-9_-]{0,39}")
_WILD = re.compile(r"[*?[]")
_NOTHING = "(?!)"
TYPES = {
    "log": "incidents.enforcement.log",
    "webhook": "incidents.enforcement.webhook",
    "exec": "incidents.enforcement.program",
    "nginx": "incidents.enforcement.nginx.adapter",
    "cloud": "incidents.enforcement.cloud.adapter",
    "powerdns": "incidents.enforcement.powerdns.adapter",
}
"""The adapters that come with the program, by type; each module has a function `make`."""

_GIVE_UP_AFTER = timedelta(days=3)
_DAY = timedelta(days=1)
_SECOND, _YEAR = timedelta(seconds=1), timedelta(days=366)


class MissingLibraryError(LibraryError):
    """the adapter {name!r} needs a library that is not installed ({detail})"""


class ForeignLibraryError(MissingLibraryError):
    """the adapter {name!r} needs a library that is not installed ({detail})"""

    name = "missing_library"

    @property
    def way_out(self) -> Cause:
        """What to do, since no extra of this program has the library."""
        return Cause.of(
            "install_beside", "install it beside that adapter, which is not part of incidents"
        )


class MissingPartError(IncidentsError):
    """the adapter {name!r} cannot work here: {detail}"""


@dataclass(frozen=True, slots=True)
class Group:
    """A group of sites, given by patterns such as `*.shop.example`, with its adapter."""

    patterns: tuple[str, ...]
    adapter: Adapter
    # Each due order is looked up here, so names and patterns are prepared once.
    _names: frozenset[str] = field(init=False, repr=False, compare=False)
    _pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = frozenset(each for each in self.patterns if not _WILD.search(each))
        wild = [translate(each) for each in self.patterns if each not in names]
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_pattern", re.compile("|".join(wild) or _NOTHING))

    def has(self, site: str) -> bool:
        """Whether the site of that name belongs to the group."""
        return site in self._names or self._pattern.match(site) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Routing:
    """The choice of an adapter for each site: that of the first matching group, or the default.

    An order becomes a dead letter if it is not carried out within `give_up_after`. `workers`: the
    maximum number of simultaneous attempts for each adapter. `brake`: None if any number of sites
    may be taken down.
    """

    default: Adapter
    groups: tuple[Group, ...] = ()
    give_up_after: timedelta = _GIVE_UP_AFTER
    workers: int = 16
    brake: Brake | None = field(default_factory=Brake)

    def adapter_for(self, site: str) -> Adapter:
        """The adapter that carries out orders for the site of that name."""
        for group in self.groups:
            if group.has(site):
                return group.adapter
        return self.default

    @property
    def adapters(self) -> tuple[Adapter, ...]:
        """All adapters in use."""
        return (self.default, *(group.adapter for group in self.groups))

    @property
    def enforces(self) -> bool:
        """Whether any adapter changes a live system."""
        return not all(isinstance(adapter, Log) for adapter in self.adapters)

    def check_requirements(self) -> None:
        """Check that adapters find what they require on this machine, if they can tell.

        Raises:
            MissingPartError: naming the first thing that is missing.
        """
        for adapter in self.adapters:
            check_requirement(adapter)

    def close(self) -> None:
        """Close the connections that adapters keep open."""
        for adapter in self.adapters:
            close = getattr(adapter, "close", None)
            if close is not None:
                close()


def check_requirement(adapter: Adapter) -> None:
    """Check that one adapter finds what it requires here; raises MissingPartError."""
    missing = getattr(adapter, "missing", None)
    if missing is not None and (detail := missing()) is not None:
        raise MissingPartError(name=adapter.name, detail=detail)


def load(environ: Mapping[str, str] | None = None) -> Routing:
    """The routing that the settings file defines.

    Raises:
        SettingError, UnknownSettingError, SettingsFileError: naming the wrong setting.
        MissingLibraryError, ForeignLibraryError: naming the library to install.
    """
    return read(sources.section(SECTION, environ))


def read(section: Mapping[str, Any]) -> Routing:
    """The routing that a section of the settings defines. Raises the same errors as `load`."""
    options = Options(f"[{SECTION}]", section)
    made: dict[str, Adapter] = {}
    default = options.text("adapter", DEFAULT)
    groups = []
    give_up_after = options.duration("give_up_after", _GIVE_UP_AFTER, least=_SECOND, most=_YEAR)
    workers = options.number("workers", 16, least=1, most=64)
    assert default is not None
    brake = _brake(options.table("brake") or Options(f"[{SECTION}.brake]", {}))
    chosen = _adapter(options, options, default, made)
    for group in options.tables("group"):
        patterns, name = group.texts("sites"), group.needed("adapter")
        group.finish()
        if not patterns:
            raise group.wrong(
                "sites",
                Cause.of("must_patterns", 'a list of names or patterns such as "*.shop.example"'),
            )
        patterns = tuple(_normalised(group, pattern) for pattern in patterns)
        groups.append(Group(patterns, _adapter(options, group, name, made)))
    for name, value in section.items():
        # Read unused tables too, to find their mistakes now.
        if isinstance(value, dict) and name != BRAKE:
            _adapter(options, options, name, made)
    options.finish()
    return Routing(
        default=chosen, groups=tuple(groups), give_up_after=give_up_after, workers=workers,
        brake=brake,
    )  # fmt: skip


def _brake(options: Options) -> Brake | None:
    """The brake from the settings; None if `count` is 0, which allows any number of sites."""
    own = Brake()
    count = options.number("count", own.count, least=0, most=1_000)
    within = options.duration("within", own.within, least=_SECOND, most=_DAY)
    options.finish()
    return Brake(count=count, within=within) if count else None


def _normalised(group: Options, pattern: str) -> str:
    """The pattern in the normal form of site names; refused if no name could match it."""
    try:
        if "*" not in pattern:
            return site_name.read(pattern)
        return ".".join(
            label.lower() if "*" in label or label.isdecimal() else site_name.read_host(label)
            for label in pattern.split(".")
        )
    except BadSiteNameError as error:
        raise group.wrong(
            "sites",
            Cause.of(
                "must_names_or_patterns",
                "names or patterns of names: {message}",
                message=error.message,
            ),
        ) from error


def _adapter(options: Options, source: Options, name: str, made: dict[str, Adapter]) -> Adapter:
    """The adapter of that name, created once; `source`: the table that names the adapter."""
    if name in made:
        return made[name]
    if not _NAME.fullmatch(name) or sum(c.isdigit() for c in name) >= MAX_DIGITS:
        raise source.wrong(
            "adapter",
            Cause.of(
                "must_short_name", "a short name in small letters: it goes on record as it is"
            ),
        )
    own = options.table(name)
    if own is None:
        if name != DEFAULT:
            raise source.wrong(
                "adapter",
                Cause.of(
                    "must_section",
                    "the name of a section [{section}.{name}], or {default}",
                    section=SECTION,
                    name=name,
                    default=DEFAULT,
                ),
            )
        own = Options(f"[{SECTION}.{name}]", {})
    kind = own.text("type", name) or name
    made[name] = _make(kind, name, own)
    return made[name]


def _make(kind: str, name: str, own: Options) -> Adapter:
    try:
        if kind in TYPES:
            make = import_module(TYPES[kind]).make
        else:
            found = {point.name: point for point in entry_points(group=ENTRY_POINTS)}
            if kind not in found:
                raise own.wrong("type", " or ".join(sorted(TYPES | found)))
            make = found[kind].load()
        adapter: Adapter = make(name, own)
    except ModuleNotFoundError as error:
        if kind not in TYPES:
            raise ForeignLibraryError(name=name, detail=error.name) from error
        extra = "cloud" if kind == "cloud" else "webhook"
        raise MissingLibraryError(name=name, detail=error.name, extra=extra) from error
    own.finish()
    return adapter
