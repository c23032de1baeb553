import sys
import tempfile
from pathlib import Path

from agentkit import Agent, Approve, ConfigurationError
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Files


def correct(folder: Path) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "aare.md").write_text("# Aare\n\nMeasured at Bern: 3.1 metres.\n")
    (folder / "way_out").symlink_to("/etc")
    model = ScriptedModel(
        [call("files_search", text="metres"), call("files_read", path="way_out/passwd")],
        call("files_edit", "call_3", path="notes/aare.md", old="3.1", new="3.2"),
        "Corrected.",
    )
    agent = Agent(model, tools=Files(folder, writable=True).tools)

    waiting = agent.run_sync("The Aare was at 3.2 metres.")
    print("\n".join(str(output) for output in model.requests[1].outputs))
    print(waiting.status, waiting.pending[0].arguments)

    print(agent.resume_sync(waiting, [Approve("call_3")]).output)
    print((folder / "notes" / "aare.md").read_text().splitlines()[-1])


with tempfile.TemporaryDirectory() as place:
    try:
        correct(Path(place))
    except ConfigurationError as reason:  # a platform that cannot keep to a folder
        print(reason)
        sys.exit(0)
