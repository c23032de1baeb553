"""Where logs are kept: one protocol, and stores that keep to it.

    protocol.py    what a store does, and the values it gives
    text.py        what of a record is searched

A store knows records, and nothing of how a run goes on.
"""
