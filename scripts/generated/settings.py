"""The reference of the settings: variables, keys of the file, defaults."""

from __future__ import annotations

from incidents.machine.policy import write_duration
from incidents.settings import layers, sources
from incidents.values import person_name
from scripts.generated.markdown import code, page, table

_MEANINGS = {
    "db": ("a URL", "a SQLite file in the user's data folder",
           "the database: `sqlite:////path/to/file` or `postgresql://…` (option `--db`)"),
    "db_replica": ("a URL", "none",
                   ("a standby of that PostgreSQL database [for reading]"
                    "(../how-to/use-postgresql.md#a-replica-for-reading); without effect with"
                    " `--db`")),
    "db_replica_lag": ("a duration", f"`{write_duration(sources.DEFAULT_REPLICA_LAG)}`",
                       "how far behind the primary a page of the console may be"),
    "as": ("a name", "the login name", "the person (option `--as`)"),
    "zone": ("an IANA name", f"`{sources.DEFAULT_ZONE}`",
             "the zone of times that people read and write (option `--zone`)"),
    "lang": ("`en` or `zh`", "that of the locale (`LC_ALL`, `LC_MESSAGES`, `LANG`), else English",
             "the language of the answers (option `--lang`)"),
    "evidence": ("a folder", "`evidence` beside the SQLite file, else in the user's data folder",
                 "where copies of attached files are kept"),
    "evidence_limit": ("a size", f"`{sources.DEFAULT_EVIDENCE_LIMIT // 2**20}MiB`",
                       "the maximum size of one attached file"),
    "clock": ("`own`, `database` or a fast clock", "`database`",
              ("`own`: the clock is simulated, and the daemon does not warn when it jumps;"
              " `60x since 2026-03-01T02:50:00Z`: it runs 60 times as fast since then, for a"
              " [rehearsal](../how-to/rehearse-with-a-told-clock.md) only")),
    "daemon_processes": ("`one` or `several`", "`several` with more than one processor, else `one`",
                         "[the processes of a daemon](../how-to/run-the-daemon.md#its-processes)"),
    "server": ("a URL", "none",
               ("a server to use instead of a database (option `--server`), with the token in"
                " INCIDENTS_TOKEN or `token_file`")),
    "token_file": ("a file", "none",
                   "holds the token for the server; only its owner may read it"),
}  # fmt: skip
_SECTIONS = (
    (
        "[audit] key",
        "INCIDENTS_AUDIT_KEY",
        "a file",
        "`audit.key` beside the SQLite file, else in the user's data folder",
        "the private key that signs the checkpoints of the log; only its owner may read it",
    ),
    (
        "[audit] key_command",
        "",
        "a list of words",
        "none",
        (
            "a command that signs instead of a file: it gets the message on standard input and"
            " prints 64 bytes in base64"
        ),
    ),
    (
        "[audit] publish",
        "INCIDENTS_AUDIT_PUBLISH",
        "a folder",
        "none",
        "where the daemon writes checkpoints and tiles (hashes only), for a web server",
    ),
    (
        "[audit] witnesses",
        "",
        "a list of `{url = …, key = …}`",
        "none",
        "witnesses that countersign each checkpoint, and their keys",
    ),
    (
        "[audit] timestamps",
        "",
        '`{url = …, roots = "FILE.pem"}`',
        "none",
        "the authority that time-stamps one checkpoint a day (RFC 3161)",
    ),
    (
        "[archive] folder",
        "",
        "a folder",
        "`archive` beside the SQLite file",
        (
            "where [archive parts](../how-to/archive-old-entries.md) are kept; every machine that"
            " reads the record needs them. Needed to archive on PostgreSQL"
        ),
    ),
    (
        "[archive] after",
        "",
        "a duration, `30d` at least",
        "`400d`",
        "how old entries must be before `incidents audit archive` moves them into parts",
    ),
    (
        "[retention] keep",
        "",
        "a duration, `184d` at least",
        "not set",
        (
            "after this time, texts that people wrote are erased once nothing needs them; not set:"
            " time alone erases nothing"
        ),
    ),
    (
        "[retention] keys",
        "",
        "a duration, `30d` at least",
        "`30d`",
        "how long the answer to a command with a `--key` is stored, for repetitions",
    ),
    (
        "[retention] checkpoints",
        "",
        "a duration, `30d` at least",
        "`30d`",
        (
            "how long [all checkpoints](../explanation/the-log.md#thinned-checkpoints) stay; after"
            " it one an hour, and after a year one a day"
        ),
    ),
    (
        "[acts] adapter",
        "",
        "a name",
        "`log`, which enforces nothing",
        (
            "who [carries out orders](../how-to/carry-out-orders.md): the section `[acts.NAME]`"
            " of that name"
        ),
    ),
    (
        "[acts] give_up_after",
        "",
        "a duration",
        "`3d`",
        ("how long an order is tried before it becomes a dead letter"),
    ),
    (
        "[acts] workers",
        "",
        "1 to 64",
        "16",
        ("simultaneous attempts per adapter"),
    ),
    (
        "[acts.brake] count",
        "",
        "0 to 1,000",
        "20",
        (
            "how many sites may be suspended or closed within the brake's time; further orders wait"
            " for a supervisor; 0: any number"
        ),
    ),
    (
        "[acts.brake] within",
        "",
        "a duration",
        "`10m`",
        ("the brake's time"),
    ),
    (
        "[[acts.group]] sites, adapter",
        "",
        "names or patterns such as `*.shop.example`; a name",
        "none",
        ("the adapter of these sites, instead of the default one"),
    ),
    (
        "[acts.NAME] type",
        "",
        "`webhook`, `exec`, `nginx`, `cloud`, `powerdns`, `log`, or one of others",
        "its NAME",
        ("the kind of adapter; the page of that kind has its other keys"),
    ),
    (
        "[notices] channels",
        "",
        "a list of names",
        "none: customers get no notices",
        (
            "the ways to [write to customers](../how-to/write-to-customers.md), tried in this"
            " order; each a section `[notices.NAME]`"
        ),
    ),
    (
        "[alarms] channels",
        "",
        "a list of names",
        "none: the desk gets no alarms",
        ("the ways to [alarm the desk](../how-to/be-alarmed.md), all used, each with quiet hours"),
    ),
    (
        "[customer] base_url",
        "",
        "an https address",
        "none: notices carry no link",
        ("the address of the customers' page"),
    ),
    (
        "[customer] secret",
        "",
        "32 characters at least",
        "none",
        (
            "signs the links; also `secret_file`, `secret_env`, and `previous_secret` during a"
            " change"
        ),
    ),
    (
        "[customer] valid_for",
        "",
        "`1d` to `90d`",
        "`14d`",
        ("how long a link is valid"),
    ),
    (
        "[metrics] listen",
        "",
        "an address and a port",
        "not set",
        ("where the daemon serves `/metrics` for Prometheus, for example `127.0.0.1:9464`"),
    ),
    (
        "[report] within",
        "",
        'a duration, `1m` to `30d`, or `""`',
        "`24h`",
        (
            "the time from its recording within which an incident must be reported to the police"
            ' (公安部令第33号, article 10(6)); `""`: no reminders'
        ),
    ),
    (
        "[report] remind",
        "",
        "a list of at most ten durations",
        '`["12h", "2h"]`',
        "how long before that the desk gets reminders",
    ),
    (
        "[inbox] maildir",
        "",
        "a folder",
        "not set",
        (
            "a Maildir whose mails a daemon [receives as reports](../how-to/receive-reports.md);"
            " what is on record moves to its folder `.Taken`"
        ),
    ),
    (
        "[inbox.imap] host, user, password",
        "",
        "texts",
        "not set",
        (
            "a mailbox on a mail server whose mails a daemon"
            " [receives as reports](../how-to/receive-reports.md#over-imap); also `password_file`,"
            " `password_env`"
        ),
    ),
    (
        "[inbox.imap] security, port",
        "",
        "`tls`, `starttls` or `none`; 1 to 65,535",
        "`tls`; 993, without `tls` 143",
        "how the connection is encrypted; `none` only to this machine itself",
    ),
    (
        "[inbox.imap] folder, taken",
        "",
        "names of folders",
        "`INBOX`, `Taken`",
        "the folder of new mails, and the one to which they move when they are on record",
    ),
    (
        "[inbox.imap] ca_file",
        "",
        "a file",
        "none: those of this machine",
        "the certificate authorities (PEM) that the mail server's certificate may be from",
    ),
    (
        "[inbox.imap] timeout",
        "",
        "a duration, `1s` to `15s`",
        "`10s`",
        "the longest wait for an answer of the mail server",
    ),
    (
        "[inbox] receipts",
        "",
        "`true` or `false`",
        "`false`",
        (
            "whether a daemon [writes to who"
            " reported](../how-to/receive-reports.md#answer-who-reported) that the report came in;"
            " the mail goes by the first channel of `[notices] channels` with `type` smtp"
        ),
    ),
    (
        "[inbox] outcomes",
        "",
        "`true` or `false`",
        "`false`",
        "whether it writes how the report ended, and later that the incident has ended",
    ),
    (
        "[inbox] answers_to",
        "",
        "`everybody` or `trusted`",
        "`everybody`",
        (
            "which reporters get these mails: all but those who are muted or blocked, or those"
            " alone who are marked as trusted"
        ),
    ),
    (
        "[inbox] answers_per_hour",
        "",
        "1 to 100,000",
        "100",
        "how many mails an hour go to reporters, in all; the others wait, for a day at most",
    ),
    (
        "[inbox] authserv_id",
        "",
        "a name",
        "not set",
        (
            "the name by which your mail server signs its `Authentication-Results` (RFC 8601);"
            " then only mails whose sender it confirms are answered"
        ),
    ),
    (
        "[inbox] languages",
        "",
        "a list of `zh_CN`, `en`",
        "those of `[notices]`",
        "the languages of these mails, in that order",
    ),
    (
        "[inbox] triage_within",
        "",
        'a duration, `1m` to `30d`, or `""`',
        "`1h`",
        (
            "the time that a report may wait for triage before the desk is"
            ' [alarmed](../how-to/be-alarmed.md); `""`: no alarm'
        ),
    ),
    (
        "[inbox] snapshots",
        "",
        "`true` or `false`",
        "`false`",
        (
            "whether a daemon [looks at the web"
            " addresses](../how-to/receive-reports.md#look-at-the-page) of new reports; whoever"
            " runs the site can see that"
        ),
    ),
    (
        "[inbox] screenshots",
        "",
        "`true` or `false`",
        "`true`",
        (
            "whether each look at a page takes [a"
            " screenshot](../how-to/receive-reports.md#screenshots), where a browser is installed"
        ),
    ),
    (
        "[inbox] browser",
        "",
        "a file",
        (
            "the first of `chromium-headless-shell`, `chromium`, `chromium-browser`,"
            " `google-chrome-stable`, `google-chrome`"
        ),
        "the browser for screenshots: a Chromium or Chrome",
    ),
    (
        "[inbox] browser_sandbox",
        "",
        "`true` or `false`",
        "`true`",
        (
            "whether that browser must have its own sandbox; `false` only where something else"
            " shuts it in, such as a container"
        ),
    ),
    (
        "[inbox] shadowserver_schema",
        "",
        "a file",
        "not set",
        (
            "the schema of Shadowserver's reports (JSON, one key for each report type), which names"
            " the columns of each; without it the usual names count"
        ),
    ),
    (
        "[filing] remind",
        "",
        "`true` or `false`",
        "`true`",
        (
            "whether the desk gets reminders of terms to file, or to show at the foot of the pages,"
            " 14, 7 and 1 days before the last day and daily after it"
        ),
    ),
    (
        "[filing] recheck_within",
        "",
        'a duration, `1h` to `365d`, or `""`',
        "`7d`",
        ('how often the daemon checks the foot of each approved site\'s page; `""`: never'),
    ),
    (
        "[filing] icp_form",
        "",
        "`province`, `site` or `subject`",
        "`province`",
        (
            "which ICP number is at the foot: the site's, with its suffix; the subject's, without;"
            " or by province, which means the subject's in Guangdong"
        ),
    ),
    (
        "[filing] allow",
        "",
        "a list of hosts",
        "none",
        "hosts whose pages are checked although their addresses are not public",
    ),
    (
        "[filing] presets",
        "",
        "a file",
        "none: the built-in ones",
        "more [presets](../how-to/keep-filings.md)",
    ),
    (
        "[serve] trusted_proxies",
        "",
        "a list of addresses or networks",
        "none",
        "[proxies](../how-to/serve-behind-nginx.md) whose `X-Forwarded-For` counts",
    ),
    (
        "[accounts] second_after",
        "",
        "a duration",
        "`1d`",
        "how long a password set by somebody else makes no second person; `0s`: no wait",
    ),
    (
        "[accounts] second_factor",
        "",
        "optional, supervisors, everybody",
        "optional",
        (
            "who must [sign in with a second factor](../how-to/accounts.md#second-factors): nobody;"
            " supervisors and administrators; everybody"
        ),
    ),
    (
        "[accounts] rp_id",
        "",
        "a host name",
        "`localhost`",
        (
            "the host name of the console, to which security keys are bound; another one makes keys"
            " useless that were added before"
        ),
    ),
    (
        "[serve] acts_per_minute",
        "",
        "0 to 1,000,000",
        "6,000",
        (
            "how many actions a minute each token may do, and each account in all its sessions;"
            " then 429 with `Retry-After`; dry runs do not count; each server counts for itself;"
            " 0: any number"
        ),
    ),
    (
        "[serve] workers",
        "",
        "1 to 64",
        "on PostgreSQL the cores, 4 at most; on SQLite 1",
        (
            "how many processes `serve` has, unless `--workers` says; each has up to 15 connections"
            " to PostgreSQL"
        ),
    ),
    (
        "[serve] key_file",
        "INCIDENTS_SERVE_KEY",
        "a file",
        "`serve.key` beside the SQLite file, or in the data folder",
        (
            "[the servers' key](../how-to/use-postgresql.md), which seals passwords, tokens and"
            " sessions, made at the first start; only its owner may read it"
        ),
    ),
    (
        "[serve] security_contact",
        "",
        "a list of `mailto:…`, `https://…`, `tel:…`",
        "none",
        "who receives reports of vulnerabilities: `/.well-known/security.txt` (RFC 9116)",
    ),
    (
        "[oidc] issuer, client_id",
        "",
        "an https address; a text",
        "not set: only passwords",
        "the provider that [signs people in](../how-to/accounts.md)",
    ),
    (
        "[oidc] client_secret",
        "",
        "a text",
        "none",
        ("the program's secret at the provider; also `client_secret_file`, `client_secret_env`"),
    ),
    (
        "[oidc.subjects]",
        "",
        "a table of texts, by handles",
        "none: required, unless `claim` is set",
        "each account's `sub` at the provider",
    ),
    (
        "[oidc] claim",
        "",
        "a name",
        "none",
        (
            "instead of `[oidc.subjects]`: the provider's claim that holds the handle; people must"
            " not be able to change it, or to get one that somebody else had"
        ),
    ),
    (
        "[oidc] acr_values",
        "",
        "a list of names",
        "none: any class",
        "the required classes of sign-in there (`acr`); another class is refused",
    ),
    (
        "[oidc] amr",
        "",
        "a list of names",
        "none: any methods",
        ('the required methods of sign-in there (RFC 8176), all of them: `["pwd", "otp"]`'),
    ),
    (
        "[oidc] max_age",
        "",
        "a duration from 1m to 30d",
        "`12h`",
        "the maximum age of a sign-in there (`auth_time`)",
    ),
)
_OTHERS = (
    ("INCIDENTS_CONFIG", "the settings file, instead of the user's own"),
    ("INCIDENTS_CODE", "a code of your second factor, which is otherwise asked for at a terminal"),
    ("INCIDENTS_SECOND_CODE", "the same of the second person"),
    ("INCIDENTS_DEBUG", "not empty: show the traceback of an unexpected fault"),
    ("NO_COLOR", "not empty: no colour"),
    ("CLICOLOR_FORCE", "neither empty nor `0`: colour on a pipe too"),
    ("XDG_CONFIG_HOME, XDG_DATA_HOME", "the user's folders, by the usual convention"),
    ("NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID", "set by systemd for the daemon"),
    (
        "PGCONNECT_TIMEOUT",
        "PostgreSQL's own; without it 5 seconds, or 3 for each of several",
    ),
)
_EXAMPLE = f"""db = "postgresql://incidents@db.example/incidents?sslmode=verify-full"
zone = "{sources.DEFAULT_ZONE}"
evidence = "/var/lib/incidents/evidence"
evidence_limit = "20MiB"
"""


def text() -> str:
    """The page."""
    return page(
        "# Settings",
        "Every setting. An option comes first, then the environment, then the settings file, then"
        " the default. An empty variable counts as not set. The file is"
        " `~/.config/incidents/config.toml`, and may be missing.",
        table(
            ("variable", "key in the file", "value", "default", "meaning"),
            ((f"`INCIDENTS_{key.upper()}`", f"`{key}`", *_MEANINGS[key]) for key in layers.KEYS),
        ),
        "A size is `50MiB`, `20 KiB`, `1GiB` or a number of bytes. A duration is `90m`, `1h30m`,"
        " `24h` or `30d`: days, hours, minutes and seconds, in that order. An unknown key is an"
        " error; an unknown section is ignored, and `incidents daemon check` names it.",
        code(_EXAMPLE, "toml"),
        "## Sections",
        "Keys in sections of the file:",
        table(
            ("key in the file", "variable", "value", "default", "meaning"),
            (
                (f"`{key}`", f"`{variable}`" if variable else "", *rest)
                for key, variable, *rest in _SECTIONS
            ),
        ),
        "## Names of persons",
        f"A name has {person_name.MAX_PERSON_CHARACTERS} characters at most. Nobody can act as"
        f" {_names(person_name.RESERVED_PERSONS)}: they are reserved for the system. The login"
        " name is recorded as well, and no setting changes it. A name with an `@` or"
        f" {person_name.MAX_PERSON_DIGITS} digits is refused, because the record keeps it for"
        " good.",
        "## Other variables",
        table(("variable", "meaning"), ((_variables(names), what) for names, what in _OTHERS)),
    )


def _names(words: frozenset[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _variables(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))
