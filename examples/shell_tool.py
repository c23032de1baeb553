import tempfile
from pathlib import Path

from agentkit import Agent, Approve, ConfigurationError
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Shell


def count_sales(folder: Path) -> None:
    (folder / "sales.csv").write_text("city,sold\nOslo,3\nLima,4\n")
    try:
        shell = Shell(folder)
    except ConfigurationError as reason:  # no bubblewrap here, so nothing of a model's is run
        print(reason)
        return
    command = "tail -n +2 sales.csv | wc -l; touch sales.csv; cat /etc/passwd"
    model = ScriptedModel(call("shell", "call_1", command=command), "Two sales.")
    agent = Agent(model, tools=shell.tools)

    waiting = agent.run_sync("How many sales are there?")
    print(waiting.status, waiting.pending[0].arguments)

    print(agent.resume_sync(waiting, [Approve("call_1")]).output)
    print(model.requests[1].outputs[0])


with tempfile.TemporaryDirectory() as place:
    count_sales(Path(place))
