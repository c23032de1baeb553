from pathlib import Path

from agentkit import Agent, Rule, Rules, tool
from agentkit.testing import ScriptedModel, call


@tool
def send_mail(to: str, text: str) -> str:
    """Send a mail."""
    return f"sent {text!r} to {to}"


@tool
def delete_mail(number: int) -> str:
    """Delete a mail."""
    return f"mail {number} is gone"


rules = Rules(
    Rule("allow", tool=["now", "read_*"]),
    Rule("reject", tool="delete_*", reason="Nothing is deleted here; name the mail to the user."),
    Rule("allow", tool="send_mail", arguments={"to": "*@example.com"}),
    Rule("ask", tool="send_mail"),
    after_untrusted="ask",
)
assert rules == Rules.load(Path(__file__).with_name("rules.toml"))

model = ScriptedModel(
    [
        call("send_mail", to="ada@example.com", text="We meet at two."),
        call("send_mail", to="press@example.org", text="We meet at two."),
        call("delete_mail", number=7),
    ]
)
agent = Agent(model, tools=[send_mail, delete_mail], approve=rules)
result = agent.run_sync("Say when we meet, and clean up.")
print(result.status, [call.arguments["to"] for call in result.pending])
for record in result.log:
    if record.kind == "output":
        print("-", record.body()["item"]["output"])
