"""The text of a PDF, page by page, as far as it can be had in time."""

from __future__ import annotations

import io
import time

from pypdf import PageObject, PdfReader
from pypdf.errors import DependencyError, FileNotDecryptedError

MAX_PAGES = 500
ENOUGH = 8.0
"""Seconds after which no further page is begun."""


def read_pdf(content: bytes) -> tuple[str, str]:
    """Title and text; a heading before each page, and a note where pages are missing."""
    reader = PdfReader(io.BytesIO(content))
    try:
        total = len(reader.pages)
        title = str((reader.metadata and reader.metadata.title) or "")
    except (DependencyError, FileNotDecryptedError):
        return "", "(This PDF is encrypted, so its text cannot be read.)"
    began, pages = time.monotonic(), list[str]()
    for number in range(min(total, MAX_PAGES)):
        if time.monotonic() - began > ENOUGH:
            break
        pages.append(f"## Page {number + 1}\n\n{_text(reader.pages[number])}")
    if len(pages) < total:
        pages.append(f"(Only the first {len(pages)} of {total} pages were read.)")
    return " ".join(title.split()), "\n\n".join(pages)


def _text(page: PageObject) -> str:
    try:
        return page.extract_text().strip() or "(no text: a picture, perhaps)"
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  (whatever a broken page makes the library raise)
        return "(This page cannot be read.)"
