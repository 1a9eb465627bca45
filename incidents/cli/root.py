"""The root command: what there is to type, and where each command's module lies.

A module is imported when its command is typed. The short helps stand here, so that `--help` and
the completion of a name import none of them.
"""

from __future__ import annotations

from importlib import import_module

import click

from incidents import __version__

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "At the desk": {
        "queue": ("incidents.cli.queue:queue", "What the desk must do now, most urgent first."),
        "claim": ("incidents.cli.actions:claim", "Take an item of the queue for yourself."),
        "release": ("incidents.cli.actions:release", "Give an item back to the queue."),
        "hand-over": ("incidents.cli.task:hand_over", "Give all that you hold to another person."),
        "done": ("incidents.cli.actions:done", "Complete a task with its outcome."),
        "show": (
            "incidents.cli.show:show",
            "Show an incident, a task, an order or a site.",
        ),
        "link": (
            "incidents.cli.link:link",
            "Print the link to the customer's page of an incident.",
        ),
        "revoke-links": (
            "incidents.cli.actions:revoke-links",
            "End the links that were given out.",
        ),
        "duty": ("incidents.cli.reporting:duty", "What is to be reported to the police by when."),
        "alarms": ("incidents.cli.alarms:alarms", "What is alarming now; test: try the channels."),
    },
    "What has happened": {
        "log": ("incidents.cli.incident:log", "Log a violation on a site."),
        "attach": ("incidents.cli.evidence:attach", "Attach a file to an incident as evidence."),
        "note": ("incidents.cli.note:note", "Add a note to an incident, or to the customer."),
        "contact": ("incidents.cli.actions:contact", "Record a call, and what came of it."),
        "removed": ("incidents.cli.actions:removed", "State that the content is gone."),
        "refused": ("incidents.cli.actions:refused", "State that the customer does not delete."),
        "recur": ("incidents.cli.actions:recur", "Log that the content is still there."),
        "reported": ("incidents.cli.actions:reported", "State that the police were told of it."),
    },
    "Corrections": {
        "void": ("incidents.cli.actions:void", "Void an incident that was none."),
        "void-contact": ("incidents.cli.actions:void-contact", "Void a wrong contact record."),
        "take-back": ("incidents.cli.actions:take-back", "Take back the last removed or refused."),
    },
    "Keeping": {
        "site": ("incidents.cli.site:site", "The sites: add, show, why, hold, reinstate …"),
        "filing": (
            "incidents.cli.filing:filing",
            "What site owners have filed: the register, its checks and terms.",
        ),
        "policy": ("incidents.cli.policy:policy", "Show, test and activate the policy."),
        "acts": ("incidents.cli.acts:acts", "Orders: what is carried out, and what is not."),
        "account": ("incidents.cli.account:account", "Who may come in, and as what."),
        "token": ("incidents.cli.token:token", "What programs come in with."),
        "serve": (
            "incidents.cli.serve:serve",
            "Serve the console, the API and the customers' page.",
        ),
        "metrics": ("incidents.cli.metrics:metrics", "Print what a Prometheus is told, once."),
        "notices": (
            "incidents.cli.notices:notices",
            "What is written to customers and the desk.",
        ),
        "audit": ("incidents.cli.audit:audit", "Export, verify and replay the record."),
        "person": ("incidents.cli.person:person", "Erase a person's data when the law lets it go."),
        "retention": ("incidents.cli.retention:retention", "Erase what has been kept long enough."),
        "simulate": ("incidents.cli.simulate:simulate", "Run a history through the policy."),
        "import": ("incidents.cli.importing:import_", "Bring sites and past incidents in."),
        "daemon": ("incidents.cli.daemon:daemon", "Enforce the clock; --once for cron."),
        "recover": (
            "incidents.cli.recover:recover",
            "Go on after the database has lost its end.",
        ),
        "db": ("incidents.cli.db:db", "Upgrade, check and back up the database."),
        "completion": ("incidents.cli.completion:completion", "Print a shell's completion."),
    },
}

_EPILOG = """\b
Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not confirmed,
5 verification failed. Data on standard output, all else on standard error.
"""


_BEHIND = frozenset({"--db", "--server", "--as", "--format", "--json", "-q", "--quiet", "--zone"})
"""Common options, which each command has of its own."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they are typed; `sections` names and helps them."""

    def __init__(
        self, *, sections: dict[str, dict[str, tuple[str, str]]], **settings: object
    ) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # click's own, passed through
        self.sections = sections
        self.targets = {name: of for section in sections.values() for name, of in section.items()}

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
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but a common option is told where it stands."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            if error.option_name in _BEHIND:
                where = "write it behind the command (incidents queue --json)"
                told = f"No option {error.option_name!r} before a command: {where}."
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
