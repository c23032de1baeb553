"""What a job says to a programmer, said to who types the command."""

from __future__ import annotations

from agentkit.errors import ConfigurationError

_ARGUMENTS = {
    "rows:": "ROWS:",
    "prompt:": "-p:",
    "prompt,": "-p,",
    "out:": "-o:",
    "output:": "--schema:",
    "budget:": "--budget:",
    "refresh:": "--refresh:",
}
_PHRASES = {
    ", or have it replaced.": ", or have it replaced with --replace.",
    ", or the kind beside it.": ", or say it with --kind.",
    "Say it with Agent(prices=…).": "Name an agent with -a that says it: Agent(prices=…).",
    "To go on all the same: Limits(budget=Budget(…, unknown='allow')).": ("Or leave --budget out."),
}


def in_the_command(error: ConfigurationError) -> ConfigurationError:
    """The same mistake, with the option that it is in and a remedy that can be typed."""
    said = str(error)
    for argument, option in _ARGUMENTS.items():
        if said.startswith(argument):
            said = f"{option}{said.removeprefix(argument)}"
            break
    for phrase, here in _PHRASES.items():
        said = said.replace(phrase, here)
    return ConfigurationError(said)
