from datetime import UTC, datetime

from agentkit import Agent, Retry
from agentkit.testing import ScriptedModel, call
from agentkit_tools import now
from agentkit_tools.now import time_in

moment = datetime(2026, 3, 29, 1, 0, 5, tzinfo=UTC)
for time_zone in ("UTC", "Europe/Oslo", "America/New_York", "Oslo", "New Yorck"):
    try:  # what the tool says of this moment, for a sample that is the same each time
        print(time_in(time_zone, moment))
    except Retry as advice:
        print(advice)

model = ScriptedModel(call("now", time_zone="Asia/Kathmandu"), "It is late.")
print(Agent(model, tools=[now]).run_sync("Is it late in Kathmandu?").output)
print(str(model.requests[1].outputs[0])[19:25])  # behind the time is the offset from UTC
