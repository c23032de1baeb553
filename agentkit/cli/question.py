"""The question of a run: from the command line, from standard input, with images and files."""

from __future__ import annotations

import argparse
import io
from collections.abc import Sequence
from typing import TextIO

from agentkit.errors import ConfigurationError
from agentkit.input import UserInput
from agentkit.responses.parts import File, Image

ASK = """Give a question: agentkit run "What time is it now in Europe/Oslo?" (or pipe one in)."""
_ELSEWHERE = ("https:", "http:", "data:")


def add_question_options(parser: argparse.ArgumentParser) -> None:
    """Add the question and what goes with it."""
    parser.add_argument(
        "question", nargs="?", help="the question; standard input follows it, or is it (-)"
    )
    add = parser.add_argument_group("question").add_argument
    add("--image", metavar="PATH", action="append", default=[], help="an image to look at, or URL")
    add("--file", metavar="PATH", action="append", default=[], help="a file to read, or its URL")


def question_of(said: str | None, stdin: TextIO | None) -> str:
    """The question; what is piped in follows it after a blank line, or is the question itself.

    Raises ConfigurationError where there is none.
    """
    if said in (None, "-"):
        if said is None and stdin is not None and stdin.isatty():
            raise ConfigurationError(ASK)
        question = _read(stdin)
    else:
        piped = "" if stdin is None or stdin.isatty() else _read(stdin)
        question = "\n\n".join(part for part in (said, piped) if part)
    if not question.strip():
        raise ConfigurationError(ASK)
    return question


def with_parts(question: str, images: Sequence[str], files: Sequence[str]) -> UserInput:
    """The question with what is to be looked at beside it.

    Raises ConfigurationError for an image that is none, and for files that cannot be read.
    """
    pictures = [_image(source) for source in images]
    documents = [File(source) for source in files]
    return [question, *pictures, *documents] if images or files else question


def _image(source: str) -> Image:
    if not source.startswith(_ELSEWHERE):
        kind, _, content = File(source).part()["file_data"].partition(";base64,")
        if not content:
            raise ConfigurationError(f"--image {source}: the file is empty.")
        if not kind.startswith("data:image/"):
            what = kind.removeprefix("data:")
            raise ConfigurationError(
                f"--image {source}: that is {what} and not an image. Send it with --file."
            )
    return Image(source)


def _read(stdin: TextIO | None) -> str:
    if stdin is None:
        return ""
    if isinstance(stdin, io.TextIOWrapper) and not stdin.isatty():
        # in the C locale Python would let other bytes pass, as lone surrogates
        stdin.reconfigure(encoding="utf-8", errors="strict")
    try:
        return stdin.read().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            "Standard input is not UTF-8 text. Give a file of another kind with --file or --image."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"Standard input cannot be read: {error}.") from error
