from agentkit import Agent, Approve, Log, tool
from agentkit.testing import ScriptedModel, call


@tool(effect="read")
async def balance() -> int:
    """What is in the account."""
    print("  balance runs")
    return 12


@tool  # effect="once" is the default
async def pay(amount: int) -> str:
    """Pay an amount."""
    print("  pay runs")
    return f"{amount} paid"


model = ScriptedModel([call("balance"), call("pay", amount=12)], "All is paid.")
agent = Agent(model, tools=[balance, pay])
records = agent.run_sync("Pay the bill.").log.dump()

print("The process died while both calls ran:")
kinds = [record["kind"] for record in records]
log = Log.load(records[: kinds.index("started") + 1])

agent = agent.replace(model=ScriptedModel("All is paid."))
waiting = agent.resume_sync(log)
for pending in waiting.pending:
    print(waiting.status, pending.name, pending.arguments, pending.reason)

print("A person has looked, and it was not paid:")
done = agent.resume_sync(waiting, [Approve("call_2", again=True)])
print(done.status, "-", done.output)
