"""Text as a person sees it: without what a terminal obeys and what no page shows.

Instructions for models are hidden in characters that nobody sees, and words that are broken up by
them are not found.
"""

from __future__ import annotations

import re

# besides controls (lines and tabs are left): soft hyphens, zero-width spaces and joiners of words,
# what turns the direction round, halves of characters, variation selectors' supplement, and tags;
# the joiners and marks that some scripts are written with are left
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u202a-\u202e\u2060-\u2064"
    "\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]+"
)


def seen(text: str) -> str:
    """The text without characters that are not seen."""
    return _UNSEEN.sub("", text)
