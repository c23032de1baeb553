import json
import tempfile
from pathlib import Path

from agentkit import Agent, Approve, Log, tool
from agentkit.testing import ScriptedModel, call


@tool(approval=True)
def delete(path: str) -> str:
    """Delete a file."""
    return f"{path} deleted"


saved = Path(tempfile.mkdtemp()) / "run.json"

agent = Agent(ScriptedModel(call("delete", path="old.txt")), tools=[delete])
result = agent.run_sync("Tidy up.")
saved.write_text(json.dumps(result.log.dump()))

# later, in another process, with an agent built the same way
log = Log.load(json.loads(saved.read_text()))
agent = Agent(ScriptedModel("Tidied up."), tools=[delete])
result = agent.resume_sync(log, [Approve(result.pending[0].call_id)])
print(result.output)
for record in result.log:
    print("-", record.kind)
