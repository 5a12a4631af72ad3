"""`gs completion`."""

from __future__ import annotations

from gs.cli import command, program
from gs.clicks import click
from gs.context import Context
from gs.output import emit, say

INSTALL = {
    "bash": 'eval "$(gs completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(gs completion zsh)"   in ~/.zshrc, after compinit',
    "fish": "gs completion fish | source   in ~/.config/fish/config.fish",
}


@command()
@click.argument("shell", type=click.Choice(list(INSTALL)))
def completion(ctx: Context, shell: str) -> None:
    """Print the completion script of a shell, for `gs` and `gitslice`."""
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    assert maker is not None, "the choices are shells that click knows"
    scripts = [maker(program(), {}, name, "_GS_COMPLETE").source() for name in ("gs", "gitslice")]
    data = {"shell": shell, "script": "\n".join(scripts), "install": INSTALL[shell]}
    emit(data, lambda _: say(data["script"]))
