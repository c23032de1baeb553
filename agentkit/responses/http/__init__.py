"""HTTP under `transport`: connections, waits, what goes wrong."""
