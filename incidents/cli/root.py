"""The root command: every command by name, and the module that has it.

A module is imported when its command is typed. The short helps stand here and in `act_helps`, so
that `--help` and the completion of a name import none of them, nor the contract.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from gettext import gettext
from importlib import import_module

import click

from incidents import __version__
from incidents.cli.act_helps import ACT_HELPS


def act(typed: str, target: str = "") -> tuple[str, str]:
    """Where the command of that act lies, and its short help, as the contract has it."""
    return target or f"incidents.cli.actions:{typed}", ACT_HELPS[typed]


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "At the desk": {
        "queue": (
            "incidents.cli.queue.queue:queue",
            "What the desk must do now, most urgent first.",
        ),
        "claim": act("claim"),
        "release": act("release"),
        "hand-over": act("hand-over", "incidents.cli.queue.queue:hand_over"),
        "done": act("done"),
        "show": (
            "incidents.cli.show:show",
            "Show an incident, a task, an order or a site.",
        ),
        "link": (
            "incidents.cli.incident:link",
            "Print the link to the customer's page of an incident.",
        ),
        "revoke-links": act("revoke-links"),
        "duty": ("incidents.cli.incident:duty", "What is to be reported to the police by when."),
        "alarms": (
            "incidents.cli.admin.monitoring:alarms",
            "What is alarming now; test: try the channels.",
        ),
    },
    "What has happened": {
        "log": act("log", "incidents.cli.incident:log"),
        "attach": act("attach", "incidents.cli.incident:attach"),
        "note": act("note", "incidents.cli.incident:note"),
        "contact": act("contact"),
        "removed": act("removed"),
        "refused": act("refused"),
        "recur": act("recur"),
        "reported": act("reported"),
    },
    "Corrections": {
        "void": act("void"),
        "void-contact": act("void-contact"),
        "take-back": act("take-back"),
    },
    "Keeping": {
        "site": ("incidents.cli.sites:site", "The sites: add, show, why, hold, reinstate …"),
        "filing": (
            "incidents.cli.filing:filing",
            "What site owners have filed: the register, its checks and terms.",
        ),
        "policy": ("incidents.cli.admin.policy:policy", "Show, test and activate the policy."),
        "acts": ("incidents.cli.orders:acts", "Orders: what is carried out, and what is not."),
        "account": ("incidents.cli.admin.account:account", "Who may come in, and as what."),
        "token": ("incidents.cli.admin.sign_ins:token", "What programs come in with."),
        "serve": (
            "incidents.cli.admin.service:serve",
            "Serve the console, the API and the customers' page.",
        ),
        "metrics": (
            "incidents.cli.admin.monitoring:metrics",
            "Print what a Prometheus is told, once.",
        ),
        "notices": (
            "incidents.cli.admin.notices:notices",
            "What is written to customers and the desk.",
        ),
        "audit": ("incidents.cli.audit.audit:audit", "Export, verify and replay the record."),
        "person": (
            "incidents.cli.admin.erasure:person",
            "Erase a person's data when the law lets it go.",
        ),
        "retention": (
            "incidents.cli.admin.erasure:retention",
            "Erase what has been kept long enough.",
        ),
        "simulate": ("incidents.cli.admin.trial:simulate", "Run a history through the policy."),
        "import": act("import", "incidents.cli.admin.history_file:import_"),
        "daemon": ("incidents.cli.admin.service:daemon", "Enforce the clock; --once for cron."),
        "recover": (
            "incidents.cli.audit.recover:recover",
            "Go on after the database has lost its end.",
        ),
        "db": ("incidents.cli.admin.db:db", "Upgrade, check and back up the database."),
        "completion": ("incidents.cli.params:completion", "Print a shell's completion."),
    },
}

_EPILOG = """\b
Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not confirmed,
5 verification failed. Data on standard output, all else on standard error.
"""


_BEHIND = frozenset(
    {"--db", "--server", "--as", "--format", "--json", "-q", "--quiet", "--zone", "--lang"}
)
"""Common options, which each command has of its own."""


_ALONE = frozenset({"--json", "-q", "--quiet"})
"""Those of them that take no value."""


def _behind(ctx: click.Context, typed: list[str], option: str) -> str:
    """What was typed, with that option behind the command."""
    import shlex

    at = next((n for n, word in enumerate(typed) if word.partition("=")[0] == option), None)
    if at is None:
        return f"{ctx.command_path} COMMAND {option}"
    end = at + (1 if option in _ALONE or "=" in typed[at] else 2)
    command = typed[:at] + typed[end:] or ["COMMAND"]
    return f"{ctx.command_path} {shlex.join(command + typed[at:end])}"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are typed; `sections` names and helps them."""

    def __init__(
        self, *, sections: dict[str, dict[str, tuple[str, str]]], **settings: object
    ) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # click's own, passed through
        self.sections = sections
        self.targets = {name: of for section in sections.values() for name, of in section.items()}
        self.translated: Callable[[click.Command, str], click.Command] | None = None
        """What makes of a command, by its name, one in the reader's language; None: in English."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names, in the order of the help."""
        return list(self.targets)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command of that name, imported now."""
        if cmd_name not in self.targets:
            return None
        module, _, attribute = self.targets[cmd_name][0].partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command if self.translated is None else self.translated(command, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but a common option is told where it stands."""
        typed = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name in _BEHIND:
                line = _behind(ctx, typed, error.option_name)
                told = gettext(
                    "No option {name!r} before a command: write it behind the command ({line})."
                ).format(name=error.option_name, line=line)
                raise click.UsageError(told, ctx) from None
            raise

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, but the nearest names are offered from the table."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.targets, ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """The sections with their short helps, importing nothing."""
        width = max(map(len, self.targets))
        for section, commands in self.sections.items():
            with formatter.section(section):
                formatter.write_dl(
                    [(name.ljust(width), short) for name, (_, short) in commands.items()]
                )

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """The names that begin so, importing nothing."""
        from click.shell_completion import CompletionItem

        names = [
            CompletionItem(name, help=short)
            for name, (_, short) in self.targets.items()
            if name.startswith(incomplete)
        ]
        return names + click.Command.shell_complete(self, ctx, incomplete)


@click.group(
    cls=LazyGroup,
    sections=COMMANDS,
    name="incidents",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, message="incidents %(version)s")
def root() -> None:
    """The system of record of a violation desk: log what was found, and the policy acts on time."""


@contextmanager
def told(args: Sequence[str]) -> Iterator[click.Group]:
    """The root command in the language of its reader, who has typed `args`."""
    names = ("INCIDENTS_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    if not any("zh" in word for word in (*map(os.environ.get, names), *args) if word):
        yield root
        return
    from incidents.cli import chinese_help

    assert isinstance(root, LazyGroup)
    with chinese_help.told(root, args) as in_its_language:
        yield in_its_language
