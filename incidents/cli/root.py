"""The root command: every command by name, and the module that has it.

A module is imported when its command is typed. The short helps stand here and in `act_helps`, so
that `--help` and the completion of a name import none of them, nor the contract.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from incidents import __version__
from incidents.cli.act_helps import ACT_HELPS
from incidents.cli.lazy_group import LazyGroup


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
