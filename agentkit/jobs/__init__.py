"""Jobs: a prompt asked once for each row of a table, the answers as a table.

    job.py         Job: what `agent.map` gives; awaited or iterated, it runs
    options.py     MapOptions: what a caller may say of a job
    results.py     MapRow, MapResult, Launch, Progress: what becomes of the rows
    estimates.py   what more rows would cost, from those that were asked

    keys.py        the name of a row's session: what is asked, and of whom
    standing.py    what a row's log says of it: done, failed, to be gone on with
    asking.py      one row: its session, and what is done in it
    memory.py      logs for a job without a store
    trying.py      a question that fails, asked once for all its rows

    preparing.py   what a job works on      selecting.py   which rows
    surveying.py   what is there before it begins, and what that has cost
    working.py     the job at work          feeding.py     many rows at once
    tally.py       what has come of them    level.py       how many may run

The tables that are read and written, and the prompt with the cells of a row, are in `tables/`.

The log is the state: every row is a session of the store, whose name is made of what is asked. So
the same job again asks what is missing, and nothing else has to be kept or compared.
"""
