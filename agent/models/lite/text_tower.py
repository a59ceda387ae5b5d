"""Trains the text tower: a small transformer on CLIP's tokens that says what a sentence encoder says.

Twice: first in the sentence encoder's own space (384 numbers, no picture needed), then, once the
image tower's map out of that space is known, in the space that pictures and texts share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import open_clip
import torch
from torch import Tensor, nn
from torch.nn import functional as F

TEMPLATES = (
    "{}", "{}", "a {}", "the {}", "a photo of a {}", "a drawing of a {}", "a picture of the {}",
    "a bad photo of the {}", "a photo of the small {}", "a photo of the large {}", "art of the {}",
    "an icon of a {}", "an emoji of a {}", "a 3d render of a {}", "a cartoon {}",
)  # fmt: skip
_BATCH = 256


def tokens(texts: Sequence[str], length: int = 32) -> Tensor:
    """CLIP's token ids (n, length), end of text and then zeros after the words."""
    return open_clip.tokenize(list(texts), context_length=length)


def start_embeddings(tower: nn.Module, names: Sequence[str], embedded: Tensor) -> None:
    """Start each token at the mean sentence embedding (n, d) of the names it is part of."""
    numbers = tokens(names)
    _, _, directions = torch.linalg.svd(embedded[:4000] - embedded.mean(dim=0), full_matrices=False)
    width = tower.token_embedding.weight.shape[1]
    values = (embedded - embedded.mean(dim=0)) @ directions[:width].T
    values = values / values.std() * 0.3
    used = numbers != 0
    each = values / used.sum(dim=1, keepdim=True)
    total = torch.zeros_like(tower.token_embedding.weight)
    share = torch.zeros(len(total), 1)
    for column in range(numbers.shape[1]):
        rows = used[:, column]
        total.index_add_(0, numbers[rows, column], each[rows])
        share.index_add_(0, numbers[rows, column], 1 / used.sum(dim=1, keepdim=True)[rows])
    with torch.no_grad():
        seen = share[:, 0] > 0
        tower.token_embedding.weight[seen] = (total / share.clamp(min=1e-6))[seen]


def encode(tower: nn.Module, numbers: Tensor) -> Tensor:
    """The tower on token ids (n, length) of any length up to its context; open_clip's own forward
    takes full length alone. Attention is causal and the last token counts, so padding left out
    changes nothing.
    """
    length = numbers.shape[1]
    x = tower.token_embedding(numbers) + tower.positional_embedding[:length]
    x = tower.ln_final(tower.transformer(x, attn_mask=tower.attn_mask[:length, :length]))
    return tower.text_projection(x[torch.arange(len(numbers)), numbers.argmax(dim=1)])


def imitate(
    tower: nn.Module, head: nn.Module, names: Sequence[str], targets: Tensor, weights: Tensor,
    *, steps: int, rate: float, seed: int, report: Callable[[int, float], None],
) -> None:  # fmt: skip
    """Train `tower` and `head` in place so that names in any template lie at `targets` (n, d).

    `weights` (n,) say how often each name comes up.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    share = (weights / weights.sum()).double().numpy()
    share /= share.sum()
    parameters = [*tower.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-4, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, rate, total_steps=steps, pct_start=0.1
    )
    targets = F.normalize(targets, dim=1)
    tower.text_projection = head
    for step in range(steps):
        chosen = random.choice(len(names), _BATCH, p=share)
        found = _embed(tower, [names[i] for i in chosen], random)
        loss = 1 - F.cosine_similarity(found, targets[chosen]).mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        schedule.step()
        if step % 20 == 0:
            report(step, float(loss.detach()))


def _embed(tower: nn.Module, names: Sequence[str], random: np.random.Generator) -> Tensor:
    asked = [
        TEMPLATES[which].format(_plural(name) if many else name)
        for name, which, many in zip(
            names,
            random.integers(len(TEMPLATES), size=len(names)),
            random.random(len(names)) < 0.2,
            strict=True,
        )
    ]
    numbers = tokens(asked)
    return encode(tower, numbers[:, : int((numbers != 0).sum(dim=1).max())])


def _plural(name: str) -> str:
    if name.endswith(("s", "x", "ch", "sh")):
        return name + "es"
    if name.endswith("y") and name[-2:-1] not in "aeiou":
        return name[:-1] + "ies"
    return name + "s"


def folded(head: nn.Linear, sentence_map: nn.Linear) -> nn.Linear:
    """One layer for `head` and then `sentence_map`."""
    both = nn.Linear(head.in_features, sentence_map.out_features)
    with torch.no_grad():
        both.weight.copy_(sentence_map.weight @ head.weight)
        both.bias.copy_(sentence_map.weight @ head.bias + sentence_map.bias)
    return both
