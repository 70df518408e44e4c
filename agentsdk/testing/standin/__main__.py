"""The stand-in from the command line: `python -m agentsdk.testing.standin --port 8080 --script FILE`."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from agentsdk.errors import AgentError
from agentsdk.i18n import _, speak_for_libraries
from agentsdk.testing.standin.asked import Asked
from agentsdk.testing.standin.flavours import FLAVOURS
from agentsdk.testing.standin.scriptfile import fill, read_script
from agentsdk.testing.standin.server import Standin


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; return 2 where it cannot begin."""
    speak_for_libraries()
    parser = argparse.ArgumentParser(
        prog="python -m agentsdk.testing.standin",
        description=_(
            "A model provider on this machine that says what a script says, or repeats what it is asked."
        ),
    )
    parser.add_argument("--port", type=int, default=8080, help=_("0 takes a free one"))
    parser.add_argument("--script", type=Path, help=_("JSON or YAML; see docs/testing.md"))
    parser.add_argument("--flavour", choices=sorted(FLAVOURS), help=_("the server that it is"))
    parser.add_argument("--no-check", action="store_true", help=_("take requests that a provider would refuse"))
    given = parser.parse_args(arguments)
    try:
        script = read_script(given.script) if given.script else {}
        flavour = given.flavour or script.get("flavour") or "openai"
        with Standin(flavour, check=not given.no_check, port=given.port) as standin:
            if given.script:
                fill(standin, script, given.script)
            else:
                standin.answer(_repeat)
            for provider in ("openai", "ollama", "dashscope"):
                print(f"{provider:10} {standin.url(provider)}", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (AgentError, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _repeat(asked: Asked) -> str:
    return _("You said: {text}").format(text=asked.last)


if __name__ == "__main__":
    sys.exit(main())
