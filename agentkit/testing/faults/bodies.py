"""Bodies that cannot be read, or that are not what their headers say."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator

from agentkit.encoding import encode
from agentkit.testing.faults.answers import (
    JSON,
    STREAM,
    Answer,
    Headers,
    half,
    on_answers,
    on_pieces,
    one_by_one,
    whole,
)
from agentkit.testing.faults.cuts import close
from agentkit.testing.faults.definition import Asked, Effect, Fault
from agentkit.testing.http import Pieces, Reply

HTML = (
    b"<!DOCTYPE html>\n<html><head><title>Sign in to the network</title></head>"
    b"<body>You have to sign in.</body></html>\n"
)
GZIP = {"content-encoding": "gzip"}
FAILURE = {"error": {"message": "The server had an error.", "type": "server_error", "code": None}}


def instead(reply: Reply) -> Effect:
    """The same reply whatever was asked; the model is not."""

    async def effect(_: Asked) -> Reply:
        return reply

    return effect


def raw(content: bytes) -> Effect:
    """Bytes in the place of an HTTP answer."""

    async def bytes_alone(pieces: Pieces) -> Pieces:
        async for _ in pieces:
            pass
        yield content

    return instead(Reply(200, b"", {"connection": "close"}, bytes_alone))


def labelled(in_json: Headers, in_stream: Headers) -> Effect:
    """The right answer under headers that say something else."""

    def change(answer: Answer, _: Asked) -> Reply:
        return answer.reply(answer.pieces, in_stream if answer.is_stream else in_json)

    return on_answers(change)


def _bad_chunk(answer: Answer, _: Asked) -> Reply:
    async def tap(pieces: Pieces) -> Pieces:
        yield await anext(pieces)
        yield b"many\r\n" + answer.pieces[0]
        await close()

    return Reply(200, one_by_one(answer.pieces), dict(answer.headers), tap)


async def _empty(asked: Asked) -> Reply:
    return Reply(200, b"", STREAM if asked.is_streamed else JSON)


def _truncated(piece: bytes) -> bytes:
    """Half of it, ended as if it were whole."""
    begun = half(piece)
    return begun + b"\n\n" if b"data:" in begun else begun


def _invalid(piece: bytes) -> bytes:
    return piece.replace(b'{"', b'{,"', 1)


def _not_utf8(piece: bytes) -> bytes:
    return piece.replace(b'{"', b'{"\xff\xfe', 1)


def _without_output(answer: Answer, _: Asked) -> Reply:
    kept = answer.response.keys() - {"output", "choices"}
    return whole({key: value for key, value in answer.response.items() if key in kept})


def _gzipped(answer: Answer, _: Asked) -> Reply:
    return answer.reply(_packed(answer), GZIP)


def _packed(answer: Answer) -> Iterator[bytes]:
    """Each piece can be unpacked once it is there."""
    packer = zlib.compressobj(wbits=31)
    for piece in answer.pieces:
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def _half_gzipped(answer: Answer, _: Asked) -> Reply:
    packed = gzip.compress(b"".join(answer.pieces))
    return answer.reply([half(packed)], GZIP)


BODIES = [
    Fault("garbage", "sends something that is not HTTP", raw(b"SSH-2.0-OpenSSH_9.6\r\n")),
    Fault(
        "bad-length",
        "sends a length that cannot be",
        raw(b"HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}"),
    ),
    Fault(
        "bad-chunk", "sends a chunk whose length is no number", on_answers(_bad_chunk), loses=True
    ),
    Fault("empty-body", "sends nothing behind the headers", _empty),
    Fault("truncated-json", "sends half of the JSON", on_pieces(_truncated), loses=True),
    Fault("invalid-json", "sends JSON with a comma too many", on_pieces(_invalid), loses=True),
    Fault("invalid-utf8", "sends bytes that are not UTF-8", on_pieces(_not_utf8), loses=True),
    Fault(
        "html-page",
        "sends a page of a proxy, with status 200",
        instead(Reply(200, HTML, {"content-type": "text/html; charset=utf-8"})),
    ),
    Fault(
        "error-200", "sends an error with status 200", instead(Reply(200, encode(FAILURE), JSON))
    ),
    Fault(
        "redirect",
        "sends the client to another address",
        instead(Reply(308, b"", {"location": "https://example.com/v2/responses"})),
    ),
    Fault("no-output", "completes without `output`", on_answers(_without_output), loses=True),
    Fault(
        "wrong-content-type",
        "calls JSON a text, and a stream JSON",
        labelled({"content-type": "text/plain"}, JSON),
    ),
    Fault(
        "wrong-charset",
        "names a charset that the text does not have",
        labelled(
            {"content-type": "application/json; charset=utf-16"},
            {"content-type": "text/event-stream; charset=latin-1"},
        ),
    ),
    Fault("gzip", "compresses the answer", on_answers(_gzipped)),
    Fault("broken-gzip", "says gzip and compresses nothing", labelled(GZIP, GZIP), loses=True),
    Fault("half-gzip", "sends half of what it compressed", on_answers(_half_gzipped), loses=True),
]
