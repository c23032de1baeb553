"""The `agentkit` command.

    app.py            the parser, and what becomes of errors; `COMMANDS` is the registry
    run.py            agentkit run: one question, one answer
    map_run.py        agentkit map: a question for each row of a table; map_work.py its steps
    chat.py           agentkit chat: a conversation
    resume.py         agentkit resume: going on with a run
    word.py           agentkit approve and reject: a person's word on calls that wait
    runs.py           agentkit runs: the logged runs; runs_rm.py deletes some
    show_run.py       agentkit show: one of them whole
    fork.py           agentkit fork: another that begins like it
    cost.py           agentkit cost: what they took
    cache.py          agentkit cache: answers that are given again
    tools.py          agentkit tools: what a model is told of them
    serve.py          agentkit serve: a Responses server on this computer
    doctor.py         agentkit doctor: what a server can do; doctor_visit.py finds it out,
                      doctor_words.py tells it
    agent_options.py  which agent runs: model, tools, output, limits
    same_agent.py     what of it the log of a session knows
    options.py        what every command's parser has in common
    kept.py           which log, and which session of it; listed.py the runs without tables' rows
    beginning.py      the session that a run begins in or goes on with
    trip.py           a run to its end, calls that wait asked about on the way
    asking.py         what a person is asked, at the terminal of terminal.py
    telling.py        a run told as it goes on, and what to do next
    again.py          the commands that go on, as a shell reads them
    map_options.py    the options of a table; map_out.py where its rows come from and go
    map_job.py        one job, shown while it runs; map_stop.py what Ctrl-C does to it
    map_display.py    where a job is shown; map_look.py how it stands, map_block.py in words
    map_pilot.py      a few rows first, and what the rest would take
    map_end.py        what a table came to; map_again.py the commands that go on with it
    chatting.py       the turns of a conversation; chat_words.py what begins with a slash
    lines.py          the messages of a conversation, typed or piped
    loading.py        `path.py:name` and `module:name` to agents and tools
    making.py         `Name("made", of="this")` to a toolbox
    question.py       the question and what goes with it
    schema_words.py   `name str, population int` to a JSON schema
    answer.py         stdout: the answer as text or JSON
    show.py           stderr: what happens on the way
    retold.py         the records of a log, readable; setup_words.py tells a Setup
    curl.py           a request of a log as a curl command
    table.py          columns for a terminal, tabs for a pipe
    when.py           moments, as they are written and shown
    streams.py        stdout and stderr that are closed, full or of another encoding
    safe_text.py      text that can do nothing to a terminal
    errors.py         one line an error, and the exit codes
    leaving.py        ending though a thread runs on

A new command is one module with `add`, and its name in `COMMANDS`.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that `argv` (or the process's own arguments) names; its exit code."""
    try:
        # loading takes long enough for a Ctrl-C to meet it
        from agentkit.cli import app

        return app.main(argv)
    except KeyboardInterrupt:
        return 130
