"""What each provider does differently, as the values that requests heed."""

from dataclasses import fields

from agentkit.responses.dialect import Dialect
from agentkit.responses.providers import PROVIDERS

usual = Dialect()
for provider in PROVIDERS.values():
    said = []
    for field in fields(Dialect):
        value = getattr(provider.dialect, field.name)
        if isinstance(value, frozenset) and value:
            said.append(f"{field.name}={{{', '.join(sorted(value))}}}")
        elif value != getattr(usual, field.name):
            said.append(f"{field.name}={value}")
    print(f"{provider.name:<12}", ", ".join(said) or "nothing")
