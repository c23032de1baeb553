"""A process that has loaded everything and forks a victim for every line it reads.

A line holds the arguments of `victim` as JSON; printed are the victim's process id, and when it
has ended its exit code, negative for a signal.
"""

from __future__ import annotations

import json
import os
import sys

import httpcore  # noqa: F401 - what a victim would load by itself
import httpx  # noqa: F401
import psycopg  # noqa: F401
import sniffio  # noqa: F401
from victim import Kill, victim

import agentkit.responses.client
import agentkit.responses.transport
import agentkit.stores.postgres
import agentkit.stores.sqlite  # noqa: F401


def main() -> None:
    for line in sys.stdin:
        url, place, ledger, where, number = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                victim(url, place, ledger, Kill(where, number))
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


main()
