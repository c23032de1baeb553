"""Jobs: a prompt asked once for each row of a table, the answers as a table.

    job.py         Job: what `agent.map` gives; awaited or iterated, it runs
    options.py     MapOptions: what a caller may say of a job; ages and budgets in words
    results.py     MapRow, MapResult, Launch, Progress: what becomes of the rows
    estimates.py   what more rows would cost, from those that were asked
    keys.py        the name of a row's session: what is asked, and of whom
    standing.py    what a row's log says of it: done, failed, to be gone on with
    asking.py      one row: its session, and what is done in it
    feeding.py     many rows: which of them, how many at once, until when
    surveying.py   what is there before the job begins, and what it has cost
    places.py, sources.py, tables.py       the tables that are read
    template.py    the prompt with the cells of a row
    columns.py, cells.py, writing.py       the table that is written
    level.py       how many rows run at once

The log is the state: every row is a session of the store, whose name is made of what is asked. So
the same job again asks what is missing, and nothing else has to be kept or compared.
"""
