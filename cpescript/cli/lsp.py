"""`cpescript lsp`: the language server, for editors."""

from __future__ import annotations

import os

import click

from cpescript.cli.exits import OK
from cpescript.cli.page import Command


@click.command(
    cls=Command,
    examples=(("cpescript lsp", "what an editor starts; it speaks on standard input and output"),),
    exits={OK: "the editor has ended it"},
)
def command() -> int:
    """Serve an editor: mistakes as you type, completion, hover, renaming.

    An editor starts this by itself once it is told to (docs: Write scenarios in your editor).
    """
    try:
        import pygls  # noqa: F401
    except ImportError:
        raise click.ClickException("the language server needs pygls: pip install 'cpescript[lsp]'") from None
    from cpescript.lsp.server import make_server

    # The server closes its pipes in the end; ours are still flushed by then.
    with os.fdopen(os.dup(0), "rb") as incoming, os.fdopen(os.dup(1), "wb") as outgoing:
        make_server().start_io(incoming, outgoing)
    return OK
