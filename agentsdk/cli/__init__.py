"""The command line: `agentsdk ask`, chat, plan, models, tools, trace and text."""

from __future__ import annotations

import os
import sys

from agentsdk.i18n import _, speak_for_libraries


def main() -> None:
    """Run the command line and exit with its code; the entry point of the `agentsdk` command."""
    speak_for_libraries()  # before Typer is imported: it looks its words up then
    from agentsdk.cli.commands import run

    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader has gone, `| head`: nobody wants the rest, nor a complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except KeyboardInterrupt:
        sys.stderr.write(_("\nInterrupted.\n"))
        code = 130
    sys.exit(code)
