"""Where logs are kept: one protocol, and stores that keep to it.

    protocol.py            what a store does, and the values it gives
    opened.py              a path or a URL to a store
    text.py                names of sessions, what of a record is searched, and by which words
    rows.py                a record as a row of a database, and back
    errors.py              what every store says in the same words
    lessons.py             what a store remembers of servers
    moments.py             times as whole microseconds
    turns.py               who may have a session in this process
    sqlite.py              SQLiteStore: one file, many processes of one machine
    sqlite_file.py         where it is, how it is opened, its errors in words
    sqlite_schema.py       its tables, in numbered steps
    sqlite_thread.py       the threads that own its connections, and how writes are committed
    sqlite_writing.py      what is written        sqlite_reading.py      what is read
    file_locks.py          sessions held by locks that the kernel lets go of
    postgres.py            PostgresStore: a server, many machines
    postgres_place.py      how it is reached      postgres_pool.py       its connections
    postgres_schema.py     its tables
    postgres_writing.py    what is written        postgres_reading.py    what is read
    postgres_holds.py      sessions held by locks of the server

A store knows records, and nothing of how a run goes on.
"""
