"""Run a command with the scripted provider in OpenAI's place: `python -m chronicle_otel.demo.offline COMMAND …`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from .model import answer
from .provider import Provider


def main(command: Sequence[str]) -> int:
    """Start the provider on loopback, point the SDK of the command at it, and return the command's exit code."""
    if not command:
        print("usage: python -m chronicle_otel.demo.offline COMMAND [ARGUMENT ...]", file=sys.stderr)
        return 2
    with Provider(answer) as provider:
        environment = {**os.environ, "OPENAI_BASE_URL": provider.url, "OPENAI_API_KEY": "not-a-key"}
        return subprocess.run(command, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
