from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

from agentkit import Agent
from agentkit.testing import ScriptedModel, call
from agentkit_tools import Web

PAGE = b"""<html><head><title>Levels of the Aare</title></head><body>
<nav><a href="/">Home</a> <a href="/rivers">Rivers</a></nav>
<main><h1>Aare</h1><p>Measured at <a href="/bern">Bern</a>.</p>
<table><tr><th>Year</th><th>Metres</th></tr><tr><td>2020</td><td>3.1</td></tr></table></main>
<footer>Imprint</footer></body></html>"""


class Site(BaseHTTPRequestHandler):
    """A site of one page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


with HTTPServer(("127.0.0.1", 0), Site) as site:
    Thread(target=site.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{site.server_port}/aare"
    model = ScriptedModel(
        call("web_fetch", url=url), call("web_find", url=url, text="2020"), "3.1 metres"
    )

    # this machine is not the public internet, so it takes a word to read from it
    web = Web(allow_private=True, ports=[site.server_port])
    print(Agent(model, tools=web.tools).run_sync("How high was the Aare in 2020?").output)
    for outputs in (request.outputs for request in model.requests[1:]):
        print("---")
        print(str(outputs[-1]).replace(url, "URL").replace(f":{site.server_port}", ""))

    careful = ScriptedModel(call("web_fetch", url=url), "I cannot read it.")
    print(Agent(careful, tools=Web(ports=[site.server_port]).tools).run_sync("And now?").output)
    print(str(careful.requests[1].outputs[-1]).replace(f"{site.server_port}", "PORT"))
    site.shutdown()
