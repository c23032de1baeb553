"""Functions as JSON schemas. Knows nothing of the wire or of agents."""
