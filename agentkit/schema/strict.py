"""Any JSON schema in the strict subset, with the way back for the values it describes.

What strict mode cannot say at all keeps its own schema and `is_strict` False, with the reason.
Source of the subset and its limits: Structured Outputs, supported schemas.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agentkit.encoding import JSON
from agentkit.schema.bounds import check_bounds
from agentkit.schema.decoding import Decoder, wrapped_decoder
from agentkit.schema.loose import loose_decoder
from agentkit.schema.merge import NotStrictError, Schema
from agentkit.schema.rewrite import WRAPPED, rewrite_root
from agentkit.schema.shapes import closed


@dataclass(frozen=True)
class StrictSchema:
    """A schema as it is sent, and how what comes back is read."""

    schema: Schema
    is_strict: bool
    notes: list[str]
    """What had to be rewritten, one line each; first the reason where it is not strict."""
    decoder: Decoder | None = field(default=None, repr=False)
    """None where values are already in the form the original schema describes."""

    def decode(self, value: JSON) -> JSON:
        """The value in the form the original schema describes.

        Raises UndecodableError, a ValueError, for what stands for no such value.
        """
        return value if self.decoder is None else self.decoder(value)


def to_strict(schema: Schema) -> StrictSchema:
    """The schema in the strict subset, or as it is and not strict where that is impossible.

    null in an optional property means that it is left out, so that its default applies. A root
    that is no object is wrapped in one with the single property `value`.
    """
    notes: list[str] = []
    try:
        rewritten, decoder = rewrite_root(schema, notes)
        check_bounds(rewritten)
    except NotStrictError as error:
        return _unchanged(schema, f"Not strict: {error}")
    except RecursionError:
        return _unchanged(schema, "Not strict: it is nested too deeply")
    return StrictSchema(rewritten, True, notes, decoder)


def as_it_is(schema: Schema, reason: str) -> StrictSchema:
    """The schema unchanged; null in an optional property that does not allow it leaves it out."""
    return StrictSchema(schema, False, [reason], _loose(schema))


def _unchanged(schema: Schema, reason: str) -> StrictSchema:
    """As it is, but for a root that is no object: servers take none."""
    if schema.get("type", "object") == "object" and not schema.keys() & {"anyOf", "oneOf"}:
        return as_it_is(schema, reason)
    inner = {key: value for key, value in schema.items() if key != "$defs"}
    whole = {**closed({WRAPPED: inner}), "$defs": schema.get("$defs", {})}
    decoder = wrapped_decoder(WRAPPED, _loose(schema))
    return StrictSchema(whole, False, [reason], decoder)


def _loose(schema: Schema) -> Decoder | None:
    try:
        return loose_decoder(schema)
    except RecursionError:
        return None
