"""Evidence: for each field of an answer the call that gave it, and whether it stood there.

form.py       the output format of such answers      fields.py    each field on the wire
found.py      the verdict on each field
sources.py    what the calls of a log gave           standing.py  whether a quote stands there
agreement.py  whether a value agrees with a quote    texts.py     what reads the same made the same
numbers.py  dates.py  names.py                       what a quote says, kind by kind
"""
