"""What models do to a text before it is cut into tokens, as open_clip does it."""

from __future__ import annotations

import html
import string

from agent.models.card import Cleaning

# What open_clip's clean-up (ftfy) does to the punctuation that pages use.
_PLAIN_PUNCTUATION = str.maketrans({
    "\u2018": "'", "\u2019": "'", "\u201a": "'", "\u201b": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"',
})  # fmt: skip
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


def cleaned(text: str, cleaning: Cleaning) -> str:
    """`text` as the tokenizer expects it.

    "clip" leaves white space and case to the tokenizer; "whitespace" folds white space; "lower"
    does that and takes lower case; "canonicalize" takes punctuation away, too (SigLIP).
    """
    plain = html.unescape(html.unescape(text)).translate(_PLAIN_PUNCTUATION).strip()
    if cleaning == "clip":
        return plain
    if cleaning == "canonicalize":
        plain = plain.replace("_", " ").translate(_NO_PUNCTUATION)
    folded = " ".join(plain.split())
    return folded if cleaning == "whitespace" else folded.lower()
