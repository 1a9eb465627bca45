"""The notice commands: list the notices, and preview each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from incidents.cli import options, output, params
from incidents.cli.lazy_group import LazyGroup, verb
from incidents.cli.run import Run
from incidents.errors import Cause, InputError
from incidents.notices.facts import AnyFacts
from incidents.notices.notice_types import LANGUAGES, NOTICES
from incidents.system.terminal import coloured
from incidents.values.ids import incident_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents.client.app import RemoteApp
    from incidents.contract.documents.enforcement import Letter, NoticeHere
    from incidents.notices.preview import Preview
    from incidents.notices.wording import Wording


COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Commands": {
        "list": (
            "incidents.cli.admin.notices:list_notices",
            "List notices and their recipients.",
        ),
        "preview": ("incidents.cli.admin.notices:preview", "Preview a notice."),
    }
}


_OF_INCIDENT = Cause.of("of_incident", "name an incident of the site, with --incident")


@click.group(cls=LazyGroup, sections=COMMANDS)
def notices() -> None:
    """List and preview the notices to customers and the desk."""


@verb("list")
@options.query
def list_notices(run: Run) -> None:
    """List notices: the recipient of each, when it is sent, and which templates are your own."""
    # A server does not say where it has its own templates.
    found = _here(run) if run.remote is None else run.remote.notices()
    output.write_list(
        run, found, ids=(entry["notice"] for entry in found),
        headers=("NOTICE", "TO", run.text("notices.when"), "OWN TEMPLATES"),
        rows=(
            (each["notice"], run.language.word("notice_to", each["to"]), _when(run, each),
             run.language.comma.join(each.get("own", ())))
            for each in found
        ),
    )  # fmt: skip
    for to, setting in {each["to"]: each["unset"] for each in found if "unset" in each}.items():
        sentence = run.text("notices.no_channel", to=to, setting=setting)
        run.inform(coloured(sentence, fg="red", bold=True))


def _when(run: Run, notice: NoticeHere) -> str:
    """Describe when a notice is sent.

    A notice that the language's catalogue lacks is described in the server's words.
    """
    when: str = run.language.phrases.get(f"notice_when.{notice['notice']}", notice["when"])
    return when


def _here(run: Run) -> list[NoticeHere]:
    from incidents.notices import notice_settings

    wording = notice_settings.wording(run.settings.zone)
    return [
        {
            **notice,
            "own": [
                str(file)
                for language in LANGUAGES
                if (file := wording.own_template(notice["notice"], language)) is not None
            ],
        }
        for notice in notice_settings.listed(notice_settings.lanes_without_channel())
    ]


@verb()
@click.argument("name", required=False, type=click.Choice(tuple(NOTICES)), metavar="[NAME]")
@click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    help="Preview only this language. Default: as in the settings.",
)
@click.option(
    "--site",
    type=params.site,
    metavar="S",
    help="Use the facts of the last order on S, and its incident.",
)
@click.option(
    "--incident",
    type=params.incident,
    metavar="I",
    help="Use the facts of I. Default: example facts.",
)
@click.option("--html", is_flag=True, help="Print the HTML version of the email.")
@options.query
def preview(
    run: Run,
    name: str | None,
    *,
    language: str | None,
    site: str | None,
    incident: tuple[int, int] | None,
    html: bool,
) -> None:
    """Preview the notice NAME, or all notices; nothing is sent.

    It uses your own templates if the settings name a folder. Exits 1 if a template is wrong.
    """
    from incidents.notices import notice_settings

    if html and name is None:
        raise InputError.coded("html_of_one", "--html shows one notice: give its NAME")
    if site is not None and incident is not None:
        raise InputError.coded("site_or_incident", "give either --site or --incident, not both")
    names = [name] if name else list(NOTICES)
    if run.remote is not None:
        if site is not None:
            run.refuse_server(_OF_INCIDENT)
        letters = _of_server(run.remote, names, language, incident, html=html)
        pages = (letter["html"] or "" for letter in letters)
    else:
        wording = notice_settings.wording(run.settings.zone)
        facts = _facts(run, names, site, incident)
        letters = _written(wording, facts, wording.languages if language is None else (language,))
        chosen = wording if language is None else wording.in_language(language)
        pages = (chosen.letter(each, told, "preview").html for each, told in facts.items())
    if run.quiet:
        run.write(*names)
    elif run.for_programs:
        output.write_documents(run, letters)
    elif html:
        run.write(*pages)
    else:
        for letter in letters:
            of = {"notice": letter["notice"], "language": letter["language"]}
            heading = run.text("notices.heading", **of)
            run.write(coloured(heading, bold=True), letter["subject"], "", letter["text"], "")


def _of_server(
    server: RemoteApp, names: list[str], language: str | None,
    incident: tuple[int, int] | None, *, html: bool,
) -> Iterator[Letter]:  # fmt: skip
    """The letters from the server's own templates and settings."""
    if html and language is None:
        raise InputError.coded(
            "html_language", "over a server a page has one language: choose it with --language"
        )
    of = None if incident is None else incident_id(*incident)
    return (
        letter for name in names for letter in server.letters(name, language=language, incident=of)
    )


def _facts(
    run: Run, names: list[str], site: str | None, incident: tuple[int, int] | None
) -> dict[str, AnyFacts]:
    """The facts for each notice: those of a real site or incident if one is named, or samples."""
    from incidents.notices import samples

    if site is None and incident is None:
        return {name: samples.of(name) for name in names}
    shown = _real(run, names, site, incident)
    made_up = [name for name, told in shown.items() if told.made_up]
    if made_up:
        run.inform(run.text("notices.made_up", names=made_up))
    return {name: told.facts for name, told in shown.items()}


def _real(
    run: Run, names: list[str], site: str | None, incident: tuple[int, int] | None
) -> dict[str, Preview]:
    from incidents.notices import customer_link, preview

    link = customer_link.load_notice_link()
    with run.local.reading() as connection:
        if incident is not None:
            subject = preview.of_incident(incident)
        else:
            subject = preview.of_site(connection, str(site))
        now = run.local.now(connection)
        return {name: preview.of(connection, name, subject, now, link) for name in names}


def _written(
    wording: Wording, facts: dict[str, AnyFacts], languages: tuple[str, ...]
) -> Iterator[Letter]:
    from incidents.notices import preview

    for name, told in facts.items():
        yield from preview.letters(wording, name, told, languages)
