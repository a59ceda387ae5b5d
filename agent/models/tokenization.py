"""The tokenizers of open_clip in the `tokenizers` library, and what is done around them."""

from __future__ import annotations

from typing import Any

from open_clip.tokenizer import HFTokenizer, SigLipTokenizer, SimpleTokenizer
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE

from agent.errors import UsageError
from agent.models.card import Cleaning, TextInput

_CLEANING: dict[str, Cleaning] = {
    "_clean_lower": "lower",
    "_clean_whitespace": "whitespace",
    "_clean_canonicalize": "canonicalize",
}


def converted(tokenizer: Any, context_length: int, *, padded: bool) -> tuple[Tokenizer, TextInput]:
    """An open_clip tokenizer as one that needs neither torch nor transformers, and its settings.

    Raises UsageError for one that does more than can be carried over.
    """
    if isinstance(tokenizer, SimpleTokenizer):
        cleaning = _CLEANING[tokenizer.clean_fn.__name__]
        built, pad_id = clip_tokenizer(), 0
        # White space and case are the tokenizer's own: see `clip_tokenizer`.
        cleaning = "canonicalize" if cleaning == "canonicalize" else "clip"
    elif isinstance(tokenizer, (HFTokenizer, SigLipTokenizer)):
        _check(tokenizer)
        cleaning = (
            "canonicalize"
            if isinstance(tokenizer, SigLipTokenizer)
            else _CLEANING[tokenizer.clean_fn.__name__]
        )
        built = Tokenizer.from_str(tokenizer.tokenizer.backend_tokenizer.to_str())
        pad_id = int(tokenizer.tokenizer.pad_token_id or 0)
    else:
        raise UsageError(f"tokenizer {type(tokenizer).__name__}: is not one of open_clip's own")
    built.no_padding()
    built.enable_truncation(context_length)
    return built, TextInput(cleaning=cleaning, pad_id=pad_id, padded=padded)


def _check(tokenizer: Any) -> None:
    if not getattr(tokenizer.tokenizer, "is_fast", False):
        raise UsageError(
            f"tokenizer {type(tokenizer.tokenizer).__name__}: has no form for the `tokenizers` "
            "library; expected a fast tokenizer"
        )
    if getattr(tokenizer, "tokenizer_mode", "") or getattr(tokenizer, "strip_sep_token", False):
        raise UsageError(
            "tokenizer: open_clip changes this one's numbers afterwards (tokenizer_mode, "
            "strip_sep_token), which a package can't; choose another model"
        )


def clip_tokenizer() -> Tokenizer:
    """CLIP's byte-pair encoding in the `tokenizers` library, from open_clip's vocabulary."""
    known = SimpleTokenizer()
    start, end = known.encoder["<start_of_text>"], known.encoder["<end_of_text>"]
    built = Tokenizer(
        BPE(
            vocab=known.encoder,
            merges=list(known.bpe_ranks),
            continuing_subword_prefix="",
            end_of_word_suffix="</w>",
            fuse_unk=False,
        )
    )
    built.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    built.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    built.decoder = decoders.ByteLevel()
    built.post_processor = processors.TemplateProcessing(
        single="<start_of_text> $A <end_of_text>",
        special_tokens=[("<start_of_text>", start), ("<end_of_text>", end)],
    )
    return built
