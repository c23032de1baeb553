"""Ready-made tools: `from agentkit_tools import now`, then `Agent(..., tools=[now])`.

    now      the date and time in a time zone

agentkit never imports this package; it is made of what agentkit exports.
"""

from agentkit_tools.now import now

__all__ = ["now"]
