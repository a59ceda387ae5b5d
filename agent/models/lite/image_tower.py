"""Trains the image tower, and the map from sentence embeddings into the space that it shares
with the text tower.

Start: EfficientNet-Lite0's classifier weights, projected on their first principal directions, and
a ridge regression from sentence embeddings to them (the data-free recipe). Then the last stages
learn to tell drawings by their captions, as CLIP does it with a softmax over texts, while two
terms hold what the classifier knew: its own probabilities on every training picture, and its
class weights standing in for photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent.models.lite.pool import Pool

EMBED_DIM = 256
MEAN, STD = 127 / 255, 128 / 255
_FROZEN_BLOCKS = 4  # stages of the backbone that stay as they came
_RATE = 4e-4
# Between where training starts and where it ends: on photographs (which the drawings teach to
# forget) and on unseen drawings alike better than the end, as in WiSE-FT (Wortsman et al., 2022).
_SHARE_OF_END = 0.7
_SCALE = 20.0  # logit scale while training the tower; the package's own is calibrated afterwards


Report = Callable[[int, int, dict[str, float]], None]


@dataclass
class Tower:
    """Backbone, projection (1280 → 256) and the map of sentence embeddings (384 → 256)."""

    trunk: nn.Module
    project: nn.Linear
    sentence_map: nn.Linear


def load_backbone(weights: Path) -> nn.Module:
    """EfficientNet-Lite0 with its classifier, in eval mode: its tensors lie in timm's order."""
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    saved = torch.load(weights, map_location="cpu", weights_only=True)
    tensors = [tensor for name, tensor in saved.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in model.state_dict() if not name.endswith("num_batches_tracked")]
    model.load_state_dict(dict(zip(names, tensors, strict=True)), strict=False)
    return model.eval()


def normalised(pictures: np.ndarray) -> Tensor:
    """uint8 (n, h, w, 3) → the network's input (n, 3, h, w)."""
    return (
        torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() - 127
    ) / 128


def early(model: nn.Module, pictures: Tensor) -> Tensor:
    """The frozen stages: (n, 3, h, w) → (n, 80, h/16, w/16)."""
    x = model.bn1(model.conv_stem(pictures))
    for block in list(model.blocks)[:_FROZEN_BLOCKS]:
        x = block(x)
    return x


def late(model: nn.Module, x: Tensor) -> Tensor:
    """The stages that learn: → the last feature map (n, 1280, h/32, w/32)."""
    x = x.contiguous(memory_format=torch.channels_last)  # 1.7 times as fast on CPU
    for block in list(model.blocks)[_FROZEN_BLOCKS:]:
        x = block(x)
    return model.bn2(model.conv_head(x))


class _Frozen(nn.Module):
    """The untouched network as three results at once, for `study`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        features = early(self.model, pictures)
        pooled = late(self.model, features).mean(dim=(2, 3))
        return features, pooled, self.model.classifier(pooled)


def study(
    model: nn.Module, pictures: np.ndarray, folder: Path, batch: int = 50
) -> tuple[Tensor, Tensor, Tensor]:
    """What the untouched network makes of all pictures, by ONNX Runtime (8 times torch's speed).

    Returns the frozen stages' result (n, 80, h/16, w/16) in half precision, the pooled features
    (n, 1280) and the class logits (n, 1000).
    """
    path = folder / "frozen.onnx"
    example = torch.zeros(2, 3, *pictures.shape[1:3])
    torch.onnx.export(
        _Frozen(model), (example,), str(path), input_names=["x"], dynamic_axes={"x": {0: "n"}},
        dynamo=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    side = pictures.shape[1] // 16
    features = torch.empty(len(pictures), 80, side, side, dtype=torch.float16)
    pooled, logits = torch.empty(len(pictures), 1280), torch.empty(len(pictures), 1000)
    for at in range(0, len(pictures), batch):
        some = slice(at, at + batch)
        # Copied, not kept: a result that stays alive pins the session's memory of that run.
        for kept, found in zip(
            (features, pooled, logits),
            session.run(None, {"x": normalised(pictures[some]).numpy()}),
            strict=True,
        ):
            kept[some] = torch.from_numpy(found)
    return features, pooled, logits


def start(
    model: nn.Module, pooled: Tensor, texts: Tensor, targets: Tensor, ridge: float = 3.0
) -> Tower:
    """The data-free recipe: projection on the classifier's directions, ridge from sentences.

    `texts` (n, 384) are sentence embeddings of nouns, `targets` (n, 1280) the unit class weights
    that they should map to.
    """
    weights = F.normalize(model.classifier.weight.detach(), dim=1)
    _, _, directions = torch.linalg.svd(weights, full_matrices=False)
    basis = directions[:EMBED_DIM]
    project = nn.Linear(1280, EMBED_DIM, bias=True)
    mapping = nn.Linear(384, EMBED_DIM, bias=True)
    x = torch.cat([texts, torch.ones(len(texts), 1)], dim=1)
    gram = x.T @ x + ridge * torch.eye(x.shape[1])
    solved = torch.linalg.solve(gram, x.T @ (targets @ basis.T))
    with torch.no_grad():
        project.weight.copy_(basis)
        project.bias.copy_(-(basis @ pooled.mean(dim=0)))
        mapping.weight.copy_(solved[:-1].T)
        mapping.bias.copy_(solved[-1])
    return Tower(model, project, mapping)


@dataclass(frozen=True)
class Lesson:
    """What the tower learns from, all tensors.

    `names` (v, 384) sentence embeddings of all captions, `kin` (v, v); `captions` lists for each
    drawing the positions of its captions in `names`; `classes` (1000, 384); `background` is the
    position of the caption of empty squares.
    """

    names: Tensor
    kin: Tensor
    captions: Sequence[Sequence[int]]
    classes: Tensor
    background: int


@dataclass(frozen=True)
class Studied:
    """A pool as the frozen stages see it: features of tiles and scenes, and tiles' class logits."""

    tiles: Tensor
    scenes: Tensor
    logits: Tensor


def train(
    tower: Tower,
    pool: Pool,
    seen: Studied,
    lesson: Lesson,
    *,
    passes: int,
    seed: int,
    report: Report,
) -> None:
    """Fine-tune in place, going `passes` times through the tiles.

    `report(step, steps, losses)` is called now and then.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    tower.trunk.to(memory_format=torch.channels_last)
    for parameter in tower.trunk.parameters():
        parameter.requires_grad_(False)
    learning = [p for block in tower.trunk.blocks[_FROZEN_BLOCKS:] for p in block.parameters()]
    learning += [*tower.trunk.conv_head.parameters(), *tower.trunk.bn2.parameters()]
    learning += [*tower.project.parameters(), *tower.sentence_map.parameters()]
    for parameter in learning:
        parameter.requires_grad_(True)
    first = [parameter.detach().clone() for parameter in learning]
    first_map = tower.sentence_map.weight.detach().clone()
    optimiser = torch.optim.AdamW(learning, lr=_RATE, weight_decay=1e-4)
    batches = list(_batches(len(seen.tiles), len(seen.scenes), passes, random))
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=len(batches), pct_start=0.1
    )
    class_weights = F.normalize(tower.trunk.classifier.weight.detach(), dim=1)
    for step, (some_tiles, some_scenes) in enumerate(batches):
        words = F.normalize(tower.sentence_map(lesson.names), dim=1)
        classes = F.normalize(tower.sentence_map(lesson.classes), dim=1)
        images = _tile_images(tower, seen.tiles[some_tiles], random)
        shown = pool.shown[some_tiles]
        losses = {
            "tiles": _tile_loss(images, shown, lesson, words, random),
            "scenes": _scene_loss(tower, seen.scenes, pool, lesson, words, some_scenes, random),
            "keep": _keep_loss(images, seen.logits[some_tiles], classes),
            "photos": _photo_loss(tower, class_weights, classes),
            "map": 30 * F.mse_loss(tower.sentence_map.weight, first_map, reduction="sum") / 384,
        }
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(learning, 2.0)
        optimiser.step()
        schedule.step()
        if step % 25 == 0:
            report(
                step, len(batches), {name: float(loss.detach()) for name, loss in losses.items()}
            )
    with torch.no_grad():
        for parameter, start_value in zip(learning, first, strict=True):
            parameter.copy_(torch.lerp(start_value, parameter, _SHARE_OF_END))


def _batches(
    tiles: int, scenes: int, passes: int, random: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    size, beside = 64, 12
    for _ in range(passes):
        order = random.permutation(tiles)
        for at in range(0, tiles - size + 1, size):
            yield order[at : at + size], random.choice(scenes, beside, replace=False)


def _tile_images(tower: Tower, features: Tensor, random: np.random.Generator) -> Tensor:
    features = features.float()
    if random.random() < 0.5:
        features = features.flip(3)
    pooled = late(tower.trunk, features).mean(dim=(2, 3))
    return F.normalize(tower.project(pooled), dim=1)


def _tile_loss(
    images: Tensor, shown: np.ndarray, lesson: Lesson, words: Tensor, random: np.random.Generator
) -> Tensor:
    asked = [int(random.choice(lesson.captions[drawing])) for drawing in shown]
    return _caption_loss(images, words, torch.as_tensor(asked), lesson.kin)


def _scene_loss(
    tower: Tower, scenes: Tensor, pool: Pool, lesson: Lesson, words: Tensor, chosen: np.ndarray,
    random: np.random.Generator,
) -> Tensor:  # fmt: skip
    """Each 4x4 square by the drawing that covers most of it; empty ones by "background"."""
    cells = late(tower.trunk, scenes[chosen].float())
    squares = F.adaptive_avg_pool2d(cells, 4).permute(0, 2, 3, 1)
    images = F.normalize(tower.project(squares), dim=3).reshape(-1, EMBED_DIM)
    shares = F.adaptive_avg_pool2d(torch.from_numpy(pool.shares[chosen]).float() / 255, 4)
    most, which = shares.max(dim=1)
    asked, kept = [], []
    for number, (share, winner) in enumerate(zip(most.flatten(), which.flatten(), strict=True)):
        if share < 0.01:
            if random.random() < 0.3:
                asked.append(lesson.background)
                kept.append(number)
        elif share >= 0.15:
            drawing = pool.present[chosen[number // 16], winner]
            asked.append(int(random.choice(lesson.captions[drawing])))
            kept.append(number)
    return _caption_loss(images[kept], words, torch.as_tensor(asked), lesson.kin)


def _caption_loss(images: Tensor, words: Tensor, asked: Tensor, kin: Tensor) -> Tensor:
    """Softmax over all captions that don't name the same thing."""
    logits = _SCALE * images @ words.T
    alike = kin[asked].clone()
    alike[torch.arange(len(asked)), asked] = False
    return F.cross_entropy(logits.masked_fill(alike, -1e4), asked)


def _keep_loss(images: Tensor, logits: Tensor, classes: Tensor) -> Tensor:
    """The classifier's own probabilities, now by way of the class names."""
    now = F.log_softmax(_SCALE * images @ classes.T, dim=1)
    return 1.5 * F.kl_div(now, F.softmax(logits / 1.5, dim=1), reduction="batchmean")


def _photo_loss(tower: Tower, class_weights: Tensor, classes: Tensor) -> Tensor:
    """A class's weights, blurred by noise, stand for photographs of it."""
    chosen = torch.randint(len(class_weights), (128,))
    features = class_weights[chosen] + torch.randn(128, class_weights.shape[1]) * 0.03
    images = F.normalize(features @ tower.project.weight.T, dim=1)
    return 0.5 * F.cross_entropy(_SCALE * images @ classes.T, chosen)
