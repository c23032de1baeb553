"""Tables: rows that are read one after the other, and written as they come, in order at the end.

    table.py       what a table is, to be read and to be written
    places.py      where a table is
    sources.py     the tables that are read: text_source.py, query_source.py, mapping_source.py;
                   spool.py keeps what can be read once only
    template.py    a prompt with the cells of a row
    columns.py     what a table of answers holds      cells.py    a value as a cell of text
    writing.py     the tables that are written: file_table.py, sqlite_table.py, stream_table.py
    lines.py       rows as lines of a file            part_file.py    where they gather
    published.py   the file that readers see, put in place whole, as often as pace.py says

Knows nothing of agents, of runs and of stores.
"""
