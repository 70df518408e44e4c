"""The command line: `agentsdk ask`, chat, plan, models, tools, trace and text."""

from __future__ import annotations

import gettext
import os
import sys

from agentsdk.i18n import DOMAIN, LOCALE_DIR, _, language


def main() -> None:
    """Run the command line and exit with its code; the entry point of the `agentsdk` command."""
    # Typer takes its own words from gettext's global domain, while it is being imported.
    os.environ["LANGUAGE"] = language()
    gettext.bindtextdomain(DOMAIN, str(LOCALE_DIR))
    gettext.textdomain(DOMAIN)
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
