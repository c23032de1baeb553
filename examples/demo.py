"""A real run over real HTTP: the command asks a server on this machine about a real table.

No key and no network: the server's model is the stand-in `offline`. `make demo` runs this.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from agentkit.testing import OfflineModel, ResponsesServer

QUESTION = "What is the capital of Norway, and how many people live in Norway and in Chile?"
AGENT = "examples/countries/countries.py:agent"
ROOT = Path(__file__).parents[1]


def shown(*command: str) -> str:
    return f"$ {shlex.join(command)}"


def main() -> int:
    with ResponsesServer(OfflineModel()) as server:
        command = ["agentkit", "run", QUESTION, "-a", AGENT, "-m", "offline-demo"]
        command += ["--base-url", server.url, "--no-log"]
        print(shown(*command), flush=True)
        words = [sys.executable, "-m", *command]
        code = subprocess.run(words, cwd=ROOT, env=os.environ, check=False).returncode
        print(f"\n{len(server.requests)} requests over HTTP, streamed.", flush=True)
    print("\nThe same with a real model, once OPENAI_API_KEY or COMETAPI_KEY is set:")
    print(shown("agentkit", "run", QUESTION, "-a", AGENT, "-m", "openai:gpt-5-mini"))
    print(shown("agentkit", "run", QUESTION, "-a", AGENT, "-m", "cometapi:gpt-4.1"))
    return code


if __name__ == "__main__":
    raise SystemExit(main())
