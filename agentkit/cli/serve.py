"""`agentkit serve`: a Responses server on this computer, with a model behind it."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from contextlib import AsyncExitStack, suppress

from agentkit.cli.errors import INTERRUPTED
from agentkit.cli.leaving import drive
from agentkit.cli.options import Commands, add_command, not_empty, port
from agentkit.errors import ConfigurationError
from agentkit.models import OFFLINE, model_for
from agentkit.testing.faults import FAULTS, Fault
from agentkit.testing.server import ResponsesServer

EXAMPLES = """\
  agentkit serve
  agentkit serve -m offline --port 8000
  agentkit serve -m ollama:qwen3 --api-key secret
  agentkit serve --fault none --fault status-429,retry-after=2 --fault reset-mid-stream,times=2
  agentkit serve --faults
"""


def add(commands: Commands) -> None:
    """Add the command's parser."""
    parser = add_command(commands, "serve", "serve a model over HTTP on this computer", EXAMPLES)
    parser.set_defaults(command=command)
    parser.add_argument(
        "-m",
        "--model",
        default=OFFLINE,
        help="the model that answers, whatever name is asked for (default: %(default)s)",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="the address to listen at (default: %(default)s)"
    )
    parser.add_argument(
        "--port", type=port, default=0, help="the port to listen at (default: a free one)"
    )
    parser.add_argument(
        "--api-key", metavar="KEY", type=not_empty, help="the key that clients have to send"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME",
        dest="named",
        help="what the next request meets, such as reset-mid-stream (repeatable)",
    )
    parser.add_argument("--faults", action="store_true", help="list the faults there are, and stop")


def command(arguments: argparse.Namespace) -> int:
    """Serve until interrupted (130) or terminated (0)."""
    if arguments.faults:
        print("\n".join(map(listed, FAULTS.values())))
        return 0
    server = ResponsesServer(
        model_for(arguments.model),
        host=arguments.host,
        port=arguments.port,
        api_key=arguments.api_key,
        faults=arguments.named,
    )
    return drive(_serve(server))


def listed(fault: Fault) -> str:
    """A fault in a line: its name with its options, and what it does."""
    options = " ".join(f"{name}={value}".rstrip("=") for name, value in fault.options.items())
    return f"{fault.name:<24} {fault.does}" + (f" [{options}]" if options else "")


async def _serve(server: ResponsesServer) -> int:
    terminated = asyncio.Event()
    with suppress(NotImplementedError):  # Windows has no such signals
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    async with AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(server)
        except OSError as error:
            raise ConfigurationError(
                f"Cannot listen there: {error.strerror or error}. Choose another --host or --port."
            ) from error
        print(server.url, flush=True)
        with suppress(OSError):
            print(f'try: agentkit run "Hello" -m any --base-url {server.url}', file=sys.stderr)
        try:
            await terminated.wait()
        except asyncio.CancelledError:
            return INTERRUPTED
    return 0
