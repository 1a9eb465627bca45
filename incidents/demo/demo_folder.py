"""The folder of the demonstration: temporary, with its database, settings and logs.

The folder goes when the demonstration ends. One that was killed leaves it to the next one.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from incidents.clock import FastClock
from incidents.demo.panel import USER
from incidents.demo.simulated_desk import PANEL
from incidents.values.language_tag import Tag

_PREFIX = "incidents-demo-"
_OURS = re.compile(rf"{_PREFIX}([1-9][0-9]*)-\w+")
# What a program needs of the environment; whatever else is there is the visitor's.
_KEPT = ("HOME", "INCIDENTS_DEBUG", "LANG", "LC_ALL", "LC_MESSAGES", "PATH", "TMPDIR", "TZ")
_WITHOUT_OWN = (
    "for each in $(env | sed -n 's/^\\(INCIDENTS_[A-Z_]*\\)=.*/\\1/p'); do unset \"$each\"; done\n"
)
"""A shell's line that drops the visitor's own settings."""

_SETTINGS = """\
[acts]
adapter = "{name}"

[acts.{name}]
type = "webhook"
url = "http://{address}/orders"
state_url = "http://{address}/state"
secret = "{secret}"
allow = ["127.0.0.1"]
timeout = "5s"

# The panel stands in for a gateway for messages, too.
[notices]
channels = ["messages"]
desk_name = "Example Hosting"
desk_phone = "+86 10 5555 0100"
desk_mail = "desk@host.example"
languages = ["{language}"]

[notices.messages]
type = "chat"
urls = ["json://{user}:{password}@{address}/notices/customer?-to={{phone}}"]

[alarms]
channels = ["group"]

[alarms.group]
type = "chat"
urls = ["json://{user}:{password}@{address}/notices/desk"]

# No site of the sample data has a page to look at.
[filing]
recheck_within = ""
"""


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The folder of a demonstration."""

    path: Path

    @property
    def database(self) -> str:
        """The URL of the database."""
        return f"sqlite:///{self.path / 'incidents.db'}"

    @property
    def sign_in_links(self) -> Path:
        """The folder of the sign-in links."""
        return self.path / "sign-in-links"

    @property
    def variables(self) -> Path:
        """The file that gives a shell the variables of the demonstration."""
        return self.path / "env"

    def write_settings(self, panel: str, secret: str, password: str, language: Tag) -> None:
        """Write the settings, by which the panel at that host and port gets orders and notices.

        `secret`: for the orders. `password`: for the notices, which are in that language.
        """
        told = _SETTINGS.format(
            name=PANEL, address=panel, secret=secret, user=USER, password=password,
            language=language,
        )  # fmt: skip
        self.config.write_text(told, encoding="utf-8")

    def environment(self, language: Tag, fast_clock: FastClock | None) -> dict[str, str]:
        """The environment of the programs, with nothing of the visitor's own settings."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        # The same modules as here, without the current folder.
        return kept | self._own(language, fast_clock) | {
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path))
        }  # fmt: skip

    def write_variables(self, language: Tag, fast_clock: FastClock) -> None:
        """Write the file for a shell."""
        lines = [
            f"export {name}={shlex.quote(value)}\n"
            for name, value in self._own(language, fast_clock).items()
            if name.startswith("INCIDENTS_")
        ]
        # The program that runs the demo may be where no shell looks, as under uvx and pipx run.
        programs = Path(sysconfig.get_path("scripts"))
        if (programs / "incidents").exists():
            lines.append(f"export PATH={shlex.quote(str(programs))}:$PATH\n")
        self.variables.write_text(_WITHOUT_OWN + "".join(lines), encoding="utf-8")

    @property
    def config(self) -> Path:
        """The settings file."""
        return self.path / "config.toml"

    def _own(self, language: Tag, fast_clock: FastClock | None) -> dict[str, str]:
        own = {
            "INCIDENTS_AS": "operator-1",
            "INCIDENTS_CONFIG": str(self.config),
            "INCIDENTS_DAEMON_PROCESSES": "one",
            "INCIDENTS_DB": self.database,
            "INCIDENTS_LANG": language,
            "XDG_CONFIG_HOME": str(self.path),
            "XDG_DATA_HOME": str(self.path),
        }
        return own if fast_clock is None else own | {"INCIDENTS_CLOCK": str(fast_clock)}


@contextmanager
def made() -> Iterator[DemoFolder]:
    """Make a folder for the block, and delete it with all that is in it."""
    _sweep()
    prefix = f"{_PREFIX}{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as name:
        found = DemoFolder(Path(name))
        found.sign_in_links.mkdir()
        found.config.touch()
        yield found


def _sweep() -> None:
    """Delete the folders of this user's demonstrations that do not run any more."""
    for found in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        named = _OURS.fullmatch(found.name)
        if named is None or Path(f"/proc/{named[1]}").exists() or found.is_symlink():
            continue
        if found.is_dir() and found.stat().st_uid == os.getuid():
            shutil.rmtree(found, ignore_errors=True)
