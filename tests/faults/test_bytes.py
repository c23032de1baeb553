"""What a fault sends, byte by byte, to a client that is nothing but a socket."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from agentkit.testing import ResponsesServer, ScriptedModel


def told(fault: str, *, stream: bool = False, timeout: float = 5.0) -> tuple[bytes, str]:
    """The bytes of the reply, and how the connection ended."""
    body = json.dumps({"model": "m", "input": "hi", "stream": stream}).encode()
    head = b"POST /v1/responses HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    with ResponsesServer(ScriptedModel("Hello you."), faults=[fault]) as server:
        port = int(server.url.rsplit(":", 1)[1].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout) as client:
            client.sendall(b"%bcontent-length: %d\r\n\r\n%b" % (head, len(body), body))
            return received(client)


def received(client: socket.socket) -> tuple[bytes, str]:
    content = b""
    try:
        while piece := client.recv(65536):
            content += piece
    except ConnectionResetError:
        return content, "reset"
    except TimeoutError:
        return content, "silent"
    return content, "closed"


WHOLE, ENDED = told("none")
STREAM, _ = told("none", stream=True)


def test_without_a_fault_an_answer_is_whole():
    head, _, body = WHOLE.partition(b"\r\n\r\n")
    assert ENDED == "closed"
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body)["output"][0]["content"][0]["text"] == "Hello you."


@pytest.mark.parametrize(
    ("how", "ended"), [("reset", "reset"), ("close", "closed"), ("stall", "silent")]
)
def test_a_connection_ends_as_it_is_said_to(how: str, ended: str):
    timeout = 0.05 if how == "stall" else 5.0
    assert told(f"{how}-before-headers", timeout=timeout) == (b"", ended)
    head, end = told(f"{how}-in-headers", timeout=timeout)
    assert end == ended
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in head


@pytest.mark.parametrize("how", ["reset", "close"])
def test_half_of_a_body_is_the_beginning_of_the_whole(how: str):
    content, _ = told(f"{how}-in-body")
    body, all_of_it = content.partition(b"\r\n\r\n")[2], WHOLE.partition(b"\r\n\r\n")[2]
    length = int(content.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(body) == length // 2
    assert body[:30] == all_of_it[:30]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "stream"])
def test_a_chunk_has_less_than_it_said(stream: bool):
    content, end = told("reset-in-chunk", stream=stream)
    chunk = content.partition(b"\r\n\r\n")[2]
    size, _, data = chunk.partition(b"\r\n")
    assert end == "reset"
    assert 0 < len(data) < int(size, 16)


def test_half_of_an_event_comes_in_a_whole_chunk():
    content, end = told("close-in-body", stream=True)
    size, _, data = content.partition(b"\r\n\r\n")[2].partition(b"\r\n")
    assert (end, len(data)) == ("closed", int(size, 16) + 2)
    assert data.startswith(b'event: response.created\ndata: {"type":')
    assert b"\n\n" not in data


@pytest.mark.parametrize("events", [0, 1, 2, 5])
def test_so_many_events_are_sent_and_no_byte_more(events: int):
    content, end = told(f"reset-after-events={events}", stream=True)
    assert (end, content.count(b"event: "), content.count(b"\n\n")) == ("reset", events, events)
    assert not content.endswith(b"0\r\n\r\n")


def test_mid_stream_is_behind_the_first_piece_of_the_answer():
    content, _ = told("close-mid-stream", stream=True)
    assert content.count(b".delta\n") == 1
    assert b'"delta":"Hello"' in content


def test_slow_bytes_are_the_same_bytes():
    content, _ = told("slow-bytes", stream=True)
    assert content.count(b"event: ") == STREAM.count(b"event: ")
    assert content.endswith(b"0\r\n\r\n")


def test_bytes_that_are_no_http_come_alone():
    assert told("garbage") == (b"SSH-2.0-OpenSSH_9.6\r\n", "closed")


def test_a_body_until_the_close_says_no_length():
    content, end = told("until-close")
    head, _, body = content.partition(b"\r\n\r\n")
    assert end == "closed"
    assert b"content-length" not in head.lower()
    assert b"chunked" not in head.lower()
    assert json.loads(body)["status"] == "completed"


def test_a_port_that_refuses_can_be_served_again():
    with ResponsesServer(ScriptedModel(), faults=["refused"]) as server:
        port = int(server.url.rsplit(":", 1)[1].partition("/")[0])
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 5.0)
    with ResponsesServer(ScriptedModel(), port=port) as server:
        assert httpx.get(f"{server.url}/models").status_code == 200


def test_a_stall_ends_where_the_server_closes():
    with ResponsesServer(ScriptedModel("Hi."), faults=["stall-before-headers"]) as server:
        port = int(server.url.rsplit(":", 1)[1].partition("/")[0])
        client = socket.create_connection(("127.0.0.1", port), 5.0)
        client.sendall(
            b"POST /v1/responses HTTP/1.1\r\nhost: localhost\r\ncontent-length: 27\r\n\r\n"
        )
        client.sendall(b'{"model": "m", "input":"?"}')
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
    client.settimeout(5.0)
    with client:
        assert client.recv(1) == b""
