"""Items as chat messages, each put into these words once in its life.

What belongs to one answer (text, calls, thoughts) is one assistant message, and a tool's message
is text alone; that is all chat completions have. Knows nothing of the other fields of a request.
Source: the reference of POST /chat/completions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from agentkit.encoding import Wire, encode
from agentkit.errors import ConfigurationError
from agentkit.responses.chat.parts import content_parts, is_text, texts_of
from agentkit.responses.items import (
    COMPACTION,
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    Reasoning,
)

_GAP = b"\\n\\n"
"""What stands between texts that become one, inside of an encoded string."""

_NO_THOUGHT = b'" "'
"""For calls behind which no thought is known, such as another model's: without the field, servers
that want it answer 400, and Moonshot does where it is empty (llmgateway#2093)."""

_STANDS_FOR_MORE = frozenset({COMPACTION, "item_reference", "additional_tools"})
"""Items without which the rest is another conversation. Others that are no messages, such as
`web_search_call`, are a server's notes of its own work, which its message then tells of."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one item adds to the messages; JSON, apart from the role."""

    role: str = ""
    """`assistant` and `tool` for what an answer and its calls are made of, else the message's;
    empty for an item that is left out."""
    content: bytes = b""
    """The whole message of a tool."""
    thought: bytes = b""
    call: bytes = b""
    shown: bytes = b""
    """Parts that a tool's message cannot carry, so that the user shows them behind it."""


def chat_messages(
    instructions: str, items: Iterable[Item], system_role: str, thought_field: str
) -> bytes:
    """The messages as JSON, without the brackets.

    `system_role` is what the server calls the developer, `thought_field` where it wants the
    thoughts back that led to a call; empty where it does not. Raises ConfigurationError for what
    cannot be said in chat.
    """
    made = _Messages(thought_field)
    if instructions:
        made.say(system_role, encode(instructions))
    for item in items:
        piece: Piece = vars(item).get("_chat") or _kept_piece(item)
        match piece.role:
            case "assistant":
                made.answer(piece)
            case "tool":
                made.give(piece)
            case "system" | "developer":
                made.say(system_role, piece.content)
            case "":
                continue
            case role:
                made.say(role, piece.content)
    return made.joined()


@dataclass(slots=True)
class _Messages:
    """Messages while items become them."""

    thought_field: str
    done: list[bytes] = field(default_factory=list)
    said: tuple[str, bytes] | None = None
    """The last message where the next may still become a part of it."""
    texts: list[bytes] = field(default_factory=list)
    thoughts: list[bytes] = field(default_factory=list)
    calls: list[bytes] = field(default_factory=list)
    shown: list[bytes] = field(default_factory=list)

    def say(self, role: str, content: bytes) -> None:
        """A message of the user or the developer.

        Templates of open models take one system message at the beginning and none behind another,
        so consecutive ones become one.
        """
        self._end()
        is_more = self.said and self.said[0] == role != "user"
        if self.said and is_more and self.said[1][:1] == content[:1] == b'"':
            content = _joined([self.said[1], content])
            self.done.pop()
        self.said = (role, content)
        self.done.append(b'{"role":%b,"content":%b}' % (encode(role), content))

    def answer(self, piece: Piece) -> None:
        """A piece of an assistant's message, which ends with whatever is none."""
        self.said = None
        if self.shown:
            self._end()
        if piece.content:
            self.texts.append(piece.content)
        if piece.thought:
            self.thoughts.append(piece.thought)
        if piece.call:
            self.calls.append(piece.call)

    def give(self, piece: Piece) -> None:
        """What a call gave. The message with the calls is right before it."""
        if self.calls or self.texts or self.thoughts:
            self._end_answer()
        self.said = None
        self.done.append(piece.content)
        if piece.shown:
            self.shown.append(piece.shown)

    def joined(self) -> bytes:
        self._end()
        return b",".join(self.done)

    def _end(self) -> None:
        self._end_answer()
        if self.shown:
            self.done.append(b'{"role":"user","content":[%b]}' % b",".join(self.shown))
            self.shown = []

    def _end_answer(self) -> None:
        if self.texts or self.calls:
            self.done.append(self._answer())
            self.texts, self.calls = [], []
        self.thoughts = []

    def _answer(self) -> bytes:
        rest = b""
        # DeepSeek wants the thoughts behind calls for ever and has no use for the others
        if self.calls and self.thought_field:
            thought = _joined(self.thoughts) if self.thoughts else _NO_THOUGHT
            rest = b',"%b":%b' % (self.thought_field.encode(), thought)
        if self.calls:
            rest += b',"tool_calls":[%b]' % b",".join(self.calls)
        said = _joined(self.texts) if self.texts else b"null"
        return b'{"role":"assistant","content":%b%b}' % (said, rest)


def _joined(strings: list[bytes]) -> bytes:
    """One JSON string of several."""
    return b'"%b"' % _GAP.join([string[1:-1] for string in strings])


def _kept_piece(item: Item) -> Piece:
    """The item's piece, kept in the item as its own encoding is."""
    piece = _piece(item)
    vars(item)["_chat"] = piece
    return piece


def _piece(item: Item) -> Piece:
    match item:
        case FunctionCall():
            return Piece("assistant", call=encode(_call(item)))
        case FunctionCallOutput():
            return _given(item)
        case Message() if item.role == "assistant":
            # a refusal is what the assistant said; few servers know the field for it
            said = "\n\n".join(text for text in (item.text, item.refusal) if text)
            return Piece("assistant", encode(said) if said else b"")
        case Message():
            return Piece(item.role, encode(_content(item)))
        case Reasoning():
            thought = "".join(texts_of(item.wire.get("content")))
            return Piece("assistant", thought=encode(thought) if thought else b"")
    if item.type in _STANDS_FOR_MORE:
        raise ConfigurationError(
            f"input: an item of the type {item.type!r} means something only to the server that "
            "made it, and chat completions have no word for it. Go on with that server, or leave "
            "the item out."
        )
    return Piece()


def _call(item: FunctionCall) -> Wire:
    arguments = item.arguments
    if item.type == "custom_tool_call":
        arguments = encode({"input": arguments}).decode()
    function = {"name": item.name, "arguments": arguments}
    call = {"id": item.call_id, "type": "function", "function": function}
    extra = item.wire.get("extra_content")
    return {**call, "extra_content": extra} if extra else call


def _content(item: Message) -> Any:
    content = item.wire.get("content")
    if not isinstance(content, list):
        return content if isinstance(content, str) else ""
    # text is sent as text where it can be: that is what every server reads
    if all(map(is_text, content)):
        return "\n".join(texts_of(content))
    return content_parts(content)


def _given(item: FunctionCallOutput) -> Piece:
    output = item.output
    if not isinstance(output, list):
        text = output if isinstance(output, str) else encode(output).decode()
        return Piece("tool", _tool_message(item, text))
    text = "\n".join(texts_of(output))
    rest = [part for part in output if not is_text(part)]
    if not rest:
        return Piece("tool", _tool_message(item, text))
    told = f"{text}\n(The rest is in the user's next message.)".strip()
    label = {"type": "text", "text": f"What the tool call {item.call_id} gave:"}
    shown = encode([label, *content_parts(rest)])[1:-1]
    return Piece("tool", _tool_message(item, told), shown=shown)


def _tool_message(item: FunctionCallOutput, text: str) -> bytes:
    return encode({"role": "tool", "tool_call_id": item.call_id, "content": text})
