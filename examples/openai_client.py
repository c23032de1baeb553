from openai import OpenAI

from agentkit.testing import ResponsesServer, ScriptedModel

with (
    ResponsesServer(ScriptedModel("Hello there.", "And again.")) as server,
    OpenAI(base_url=server.url, api_key="none") as client,
):
    response = client.responses.create(model="any", input="Hello")
    print(response.output_text)
    with client.responses.stream(model="any", input="Hello") as stream:
        print([event.delta for event in stream if event.type == "response.output_text.delta"])
