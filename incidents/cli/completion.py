"""The completion of commands, options and words, for bash, zsh and fish."""

from __future__ import annotations

import click

from incidents.errors import DONE


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
def completion(shell: str) -> int:
    """Print the script that lets SHELL complete what you type.

    \b
    bash: incidents completion bash > ~/.local/share/bash-completion/completions/incidents
    zsh:  incidents completion zsh > a file called _incidents in a folder of $fpath
    fish: incidents completion fish > ~/.config/fish/completions/incidents.fish
    """
    from click.shell_completion import get_completion_class

    from incidents.cli.root import root

    # What click's own script begins with asks the shell for its version, which needs no help.
    kind = get_completion_class(shell)
    assert kind is not None, "the three shells are click's own"
    script = kind(root, {}, "incidents", "_INCIDENTS_COMPLETE")
    click.echo(script.source_template % script.source_vars())
    return DONE
