"""The reference of the settings: variables, keys of the file, defaults."""

from __future__ import annotations

from incidents.settings import sources
from incidents.values import person_name
from scripts.generated.markdown import code, page, table

_MEANINGS = {
    "db": ("a URL", "a SQLite file in the user's data folder",
           "the database: `sqlite:////path/to/file` or `postgresql://…` (option `--db`)"),
    "as": ("a name", "the login name", "who acts (option `--as`)"),
    "zone": ("an IANA name", f"`{sources.DEFAULT_ZONE}`",
             "the zone in which people read and write times (option `--zone`)"),
    "lang": ("`en` or `zh`", "that of the locale (`LC_ALL`, `LC_MESSAGES`, `LANG`), else English",
             "the language in which people are answered (option `--lang`)"),
    "evidence": ("a folder", "`evidence` beside the SQLite file, else in the user's data folder",
                 "where copies of attached files are kept"),
    "evidence_limit": ("a size", f"`{sources.DEFAULT_EVIDENCE_LIMIT // 2**20}MiB`",
                       "the most bytes of one attached file"),
    "clock": ("`own` or `database`", "`database`",
              "`own`: the clock is simulated, and the daemon does not warn when it jumps"),
    "server": ("a URL", "none",
               ("a server that is asked in place of a database (option `--server`);"
                " the variable INCIDENTS_TOKEN, or `token_file`, says as whom")),
    "token_file": ("a file", "none",
                   "where the token for the server stands; only its owner may read it"),
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
            "a command that signs in place of a file: the message on standard input, 64 bytes in"
            " base64 on standard output"
        ),
    ),
    (
        "[audit] publish",
        "INCIDENTS_AUDIT_PUBLISH",
        "a folder",
        "none",
        "where the daemon writes each checkpoint and the tiles (hashes alone), for a web server",
    ),
    (
        "[audit] witnesses",
        "",
        "a list of `{url = …, key = …}`",
        "none",
        "who is asked to countersign each checkpoint, and with which key",
    ),
    (
        "[audit] timestamps",
        "",
        '`{url = …, roots = "FILE.pem"}`',
        "none",
        "the authority that stamps one checkpoint a day (RFC 3161)",
    ),
    (
        "[retention] keep",
        "",
        "a duration, `184d` at least",
        "not set",
        (
            "after this time the texts that people wrote are erased when nothing needs them any"
            " more; not set, nothing is erased by time alone"
        ),
    ),
    (
        "[acts] adapter",
        "",
        "a name",
        "`log`, which enforces nothing",
        (
            "who carries out what is ordered: the section `[acts.NAME]` of that name (how-to:"
            " carry orders out)"
        ),
    ),
    (
        "[acts] give_up_after",
        "",
        "a duration",
        "`3d`",
        ("how long an order is tried before it is a dead letter"),
    ),
    (
        "[acts] workers",
        "",
        "1 to 64",
        "16",
        ("attempts at a time, for each adapter"),
    ),
    (
        "[acts.brake] count",
        "",
        "0 to 1,000",
        "20",
        (
            "so many sites may be suspended or closed within the time of the brake; further orders"
            " wait for a supervisor; 0: any number"
        ),
    ),
    (
        "[acts.brake] within",
        "",
        "a duration",
        "`10m`",
        ("the time of the brake"),
    ),
    (
        "[[acts.group]] sites, adapter",
        "",
        "names or patterns such as `*.shop.example`; a name",
        "none",
        ("the adapter of these sites, in place of the default one"),
    ),
    (
        "[acts.NAME] type",
        "",
        "`webhook`, `exec`, `nginx`, `cloud`, `powerdns`, `log`, or one of others",
        "its NAME",
        ("what kind of adapter it is; its other keys stand on the page of its kind"),
    ),
    (
        "[notices] channels",
        "",
        "a list of names",
        "none: nobody is written to",
        (
            "the ways to customers, tried in this order; each a section `[notices.NAME]`"
            " (how-to: write to customers)"
        ),
    ),
    (
        "[alarms] channels",
        "",
        "a list of names",
        "none: the desk is not alarmed",
        ("the ways to the desk, each told, each with its quiet hours (how-to: get alarms)"),
    ),
    (
        "[customer] base_url",
        "",
        "an https address",
        "none: notices carry no link",
        ("where customers find their page"),
    ),
    (
        "[customer] secret",
        "",
        "32 characters at least",
        "none",
        (
            "signs the links; also `secret_file`, `secret_env`, and `previous_secret` while"
            " it is changed"
        ),
    ),
    (
        "[customer] valid_for",
        "",
        "`1d` to `90d`",
        "`14d`",
        ("how long a link holds"),
    ),
    (
        "[metrics] listen",
        "",
        "an address and a port",
        "not set",
        (
            "where the daemon serves `/metrics` for a Prometheus, `127.0.0.1:9464` say; not"
            " set, nowhere"
        ),
    ),
    (
        "[report] within",
        "",
        'a duration, `1m` to `30d`, or `""`',
        "`24h`",
        (
            "within what time of its recording an incident is to be reported to the police"
            ' (公安部令第33号, article 10(6)); `""`: this desk reminds nobody'
        ),
    ),
    (
        "[report] remind",
        "",
        "a list of at most ten durations",
        '`["12h", "2h"]`',
        "how long before that the desk is reminded",
    ),
    (
        "[filing] remind",
        "",
        "`true` or `false`",
        "`true`",
        (
            "whether the desk is reminded of what is to be filed, or shown at the foot of the"
            " pages, 14, 7 and 1 days before its last day and daily when it is over"
        ),
    ),
    (
        "[filing] recheck_within",
        "",
        'a duration, `1h` to `365d`, or `""`',
        "`7d`",
        (
            "within what time the daemon looks again at the foot of each approved site's page;"
            ' `""`: it looks at none'
        ),
    ),
    (
        "[filing] icp_form",
        "",
        "`province`, `site` or `subject`",
        "`province`",
        (
            "which ICP number stands at the foot: the site's, with its suffix; the subject's,"
            " without one; or as its province has it, which is the subject's in Guangdong"
        ),
    ),
    (
        "[filing] allow",
        "",
        "a list of hosts",
        "none",
        "hosts whose pages are looked at though their addresses are not public",
    ),
    (
        "[filing] presets",
        "",
        "a file",
        "none: those that come along",
        "the desk's own presets beside them (how-to: keep the register of filings)",
    ),
    (
        "[serve] trusted_proxies",
        "",
        "a list of addresses or networks",
        "none",
        "whose `X-Forwarded-For` counts; else the peer's address does (how-to: serve behind nginx)",
    ),
    (
        "[accounts] second_after",
        "",
        "a duration",
        "`1d`",
        "so long a password that somebody else has set makes no second person; `0s`: not at all",
    ),
    (
        "[serve] acts_per_minute",
        "",
        "0 to 1,000,000",
        "6,000",
        (
            "so many acts each token may do in a minute, and each account in all its sessions, over"
            " the API and in the console; then 429 with `Retry-After`; what is only tried is not"
            " counted; each server counts for itself; 0: any number"
        ),
    ),
    (
        "[serve] key_file",
        "INCIDENTS_SERVE_KEY",
        "a file",
        "`serve.key` beside the SQLite file, or in the data folder",
        (
            "the key by which servers know what they have let in, made at the first start; only its"
            " owner may read it (how-to: use PostgreSQL)"
        ),
    ),
    (
        "[serve] security_contact",
        "",
        "a list of `mailto:…`, `https://…`, `tel:…`",
        "none",
        "who is told of a weakness: what `/.well-known/security.txt` says (RFC 9116)",
    ),
    (
        "[oidc] issuer, client_id",
        "",
        "an https address; a text",
        "not set: people sign in with passwords alone",
        "the provider that signs people in (how-to: manage accounts and tokens)",
    ),
    (
        "[oidc] client_secret",
        "",
        "a text",
        "none",
        (
            "what this program proves itself with there; also `client_secret_file`,"
            " `client_secret_env`"
        ),
    ),
    (
        "[oidc.subjects]",
        "",
        "a table of texts, by handles",
        "none: it is needed, or `claim`",
        "who each account's person is at that provider: the `sub` that it gives to nobody else",
    ),
    (
        "[oidc] claim",
        "",
        "a name",
        "none",
        (
            "in place of `[oidc.subjects]`: which of the provider's claims holds the handle; one"
            " that its people can neither change nor be given after somebody else"
        ),
    ),
    (
        "[oidc] acr_values",
        "",
        "a list of names",
        "none: any class",
        "which classes of sign-in there (`acr`) are asked for; one of another class is refused",
    ),
    (
        "[oidc] amr",
        "",
        "a list of names",
        "none: any methods",
        (
            "by which methods somebody must have signed in there (RFC 8176), all of them:"
            ' `["pwd", "otp"]`'
        ),
    ),
    (
        "[oidc] max_age",
        "",
        "a duration from 1m to 30d",
        "`12h`",
        "how long ago a sign-in there (`auth_time`) may have been",
    ),
)
_OTHERS = (
    ("INCIDENTS_CONFIG", "the settings file, in place of the user's own"),
    ("INCIDENTS_DEBUG", "not empty: show where something unexpected went wrong"),
    ("NO_COLOR", "not empty: never write colour"),
    ("CLICOLOR_FORCE", "neither empty nor `0`: write colour on a pipe, too"),
    ("XDG_CONFIG_HOME, XDG_DATA_HOME", "where the user's own folders are, by the usual convention"),
    ("NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID", "set by systemd for the daemon"),
    ("PGCONNECT_TIMEOUT", "of PostgreSQL's own variables; the daemon takes 10 seconds without it"),
)
_EXAMPLE = f"""db = "postgresql://incidents@db.example/incidents"
zone = "{sources.DEFAULT_ZONE}"
evidence = "/var/lib/incidents/evidence"
evidence_limit = "20MiB"
"""


def text() -> str:
    """The page."""
    return page(
        "# Settings",
        "An option speaks first, then the environment, then the settings file, then the default."
        " An empty variable says nothing. The file is `~/.config/incidents/config.toml`, and need"
        " not be there.",
        table(
            ("variable", "key in the file", "value", "default", "meaning"),
            (
                (f"`INCIDENTS_{key.upper()}`", f"`{key}`", *_MEANINGS[key])
                for key in sources._KEYS  # noqa: SLF001 - the one list of them
            ),
        ),
        "A size is `50MiB`, `20 KiB`, `1GiB` or a number of bytes. An unknown key is an error. A"
        " section of the file that is none is read by nobody: `incidents daemon check` names it.",
        code(_EXAMPLE, "toml"),
        "## Sections",
        "Of the log (`incidents audit`), of what is erased (`incidents retention`), of what is"
        " to be reported (`incidents police list`), of filings (`incidents filing`), and of the"
        " rest:",
        table(
            ("key in the file", "variable", "value", "default", "meaning"),
            (
                (f"`{key}`", f"`{variable}`" if variable else "", *rest)
                for key, variable, *rest in _SECTIONS
            ),
        ),
        "## The name",
        f"A name has {person_name.MAX_PERSON_CHARACTERS} characters at most. Nobody can act as"
        f" {_names(person_name.RESERVED_PERSONS)}: what no person has done is signed so. The login"
        " name is written down beside the name that was given, and no setting changes it. A name"
        f" that holds an `@` or {person_name.MAX_PERSON_DIGITS} digits is refused: it would stand"
        " in the record for good.",
        "## Other variables",
        table(("variable", "meaning"), ((_variables(names), what) for names, what in _OTHERS)),
    )


def _names(words: frozenset[str]) -> str:
    return ", ".join(f"`{word}`" for word in sorted(words))


def _variables(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))
