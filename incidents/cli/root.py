"""The root command: every command by name, and the module in which it is defined.

A module is imported only when its command is typed. The short helps are here and in `action_helps`,
so that neither `--help` nor the completion of a name imports those modules or the contract.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from incidents.cli.action_helps import ACTION_HELPS, ACTIONS_AFTER
from incidents.cli.lazy_group import LazyGroup

Target = tuple[str, str]
"""A command: the module and the name of its function, and its short help."""
Sections = dict[str, dict[str, Target]]
"""The commands of a group: for each section title, the commands by their typed name."""


def action(typed: str, target: str = "") -> Target:
    """The function for an action, and the short help of the action from the contract."""
    return target or f"incidents.cli.actions:{typed}", ACTION_HELPS[typed]


def with_actions(sections: Sections, group: str = "") -> Sections:
    """Add each action after the command that the row of the action names.

    `group`: the text that is typed before the command, with a space at the end.
    """
    return {
        title: dict(each for name, found in commands.items() for each in _from(name, found, group))
        for title, commands in sections.items()
    }


def _from(name: str, found: Target, group: str) -> Iterator[tuple[str, Target]]:
    """Yield a command, and the actions that come after it."""
    yield name, found
    for typed, after in ACTIONS_AFTER.items():
        if after == f"{group}{name}":
            yield from _from(typed.removeprefix(group), action(typed), group)


COMMANDS = with_actions({
    "At the desk": {
        "queue": (
            "incidents.cli.queue.queue:queue",
            "List what needs action now, most urgent first.",
        ),
        "hand-over": action("hand-over", "incidents.cli.queue.queue:hand_over"),
        "show": (
            "incidents.cli.show:show",
            "Show an incident, a task, an order or a site.",
        ),
        "alarms": (
            "incidents.cli.admin.monitoring:alarms",
            "List current alarms, or test the channels.",
        ),
        "police": ("incidents.cli.police:police", "List and record reports to the police."),
        "report": ("incidents.cli.reports.report:report", "Receive reports, and decide on each."),
    },
    "Facts": {
        "log": action("log", "incidents.cli.incident:log"),
        "attach": action("attach", "incidents.cli.incident:attach"),
        "note": action("note", "incidents.cli.incident:note"),
    },
    "Corrections and decisions": {
        "undo": ("incidents.cli.incident:undo", "Void a contact, or withdraw removed or refused."),
        "approve": ("incidents.cli.second_person:approve", "Approve another person's request."),
        "decline": ("incidents.cli.second_person:decline", "Decline another person's request."),
    },
    "Administration": {
        "site": ("incidents.cli.sites:site", "Manage sites: add, show, why, hold, reinstate …"),
        "filing": (
            "incidents.cli.filing.filing:filing",
            "Manage the filings (备案) of sites, their checks and deadlines.",
        ),
        "policy": ("incidents.cli.admin.policy:policy", "Show, test and activate the policy."),
        "orders": (
            "incidents.cli.orders:orders", "List orders, and retry or cancel them.",
        ),
        "audit": ("incidents.cli.audit.audit:audit", "Export, verify and replay the record."),
        "account": ("incidents.cli.admin.account:account", "Manage accounts, roles and sessions."),
        "token": ("incidents.cli.admin.sign_ins:token", "Manage the tokens of programs."),
        "notices": (
            "incidents.cli.admin.notices:notices",
            "List and preview notices to customers and the desk.",
        ),
    },
    "Operation": {
        "daemon": ("incidents.cli.admin.service:daemon", "Enforce the deadlines; --once for cron."),
        "serve": (
            "incidents.cli.admin.service:serve",
            "Serve the console, the API and the customer page.",
        ),
        "demo": (
            "incidents.cli.admin.demo:demo", "Show everything on sample data, in your browser.",
        ),
        "db": ("incidents.cli.admin.db:db", "Upgrade, check and back up the database."),
        "metrics": (
            "incidents.cli.admin.monitoring:metrics",
            "Print metrics in Prometheus text format.",
        ),
    },
    "Rarely needed": {
        "link": (
            "incidents.cli.incident:link",
            "Print the link to the customer page of an incident.",
        ),
        "import": action("import", "incidents.cli.admin.history_file:import_"),
        "simulate": ("incidents.cli.admin.trial:simulate", "Try policies on a history of reports."),
        "person": (
            "incidents.cli.admin.erasure:person",
            "Erase a person's data once the law allows it.",
        ),
        "retention": (
            "incidents.cli.admin.erasure:retention",
            "Erase data at the end of its retention time.",
        ),
        "recover": (
            "incidents.cli.audit.recover:recover",
            "Resume after the database lost its latest entries.",
        ),
        "completion": ("incidents.cli.suggestions:completion", "Print a shell completion script."),
    },
})  # fmt: skip

RENAMED = {
    "void-contact": ("incidents.cli.actions:void-contact", "undo"),
    "take-back": ("incidents.cli.actions:take-back", "undo"),
    "release": ("incidents.cli.actions:release", "claim --release"),
    "duty": ("incidents.cli.police:list_", "police list"),
    "reported": ("incidents.cli.actions:reported", "police done"),
    "acts": ("incidents.cli.orders:orders", "orders"),
}
"""Older spellings of commands, which still work but are not listed."""

_EPILOG = """\b
Exit status: 0 done, 1 failed, 2 wrong usage, 3 refused, 4 not confirmed,
5 verification failed. Data on standard output, all else on standard error.
"""


def _print_version(context: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        from incidents import installation

        click.echo(f"incidents {installation.version()}")
        context.exit()


@click.group(
    cls=LazyGroup,
    sections=COMMANDS,
    renamed=RENAMED,
    name="incidents",
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version,
    help="Show the version and exit.",
)  # fmt: skip
def root() -> None:
    """Record violations on hosted sites, and let the policy act on time."""


@contextmanager
def told(args: Sequence[str]) -> Iterator[click.Group]:
    """The root command in the language of the person who typed `args`."""
    names = ("INCIDENTS_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    if not any("zh" in word for word in (*map(os.environ.get, names), *args) if word):
        yield root
        return
    from incidents.cli import chinese_help

    assert isinstance(root, LazyGroup)
    with chinese_help.localised(root, args) as in_its_language:
        yield in_its_language
