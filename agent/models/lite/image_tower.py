"""Trains the image tower, and where words lie in the space that it shares with the text tower.

Start: EfficientNet-Lite0's classifier weights, projected on their first principal directions, and
a ridge regression from sentence embeddings to them (the data-free recipe). Then the last stages
learn to tell drawings by their captions, as CLIP does it with a softmax over texts, while three
terms hold what the classifier knew of photographs: its own probabilities on every training
picture; its embeddings of many small parts of a few photographs (which teach nearly as well as
many photographs do: Asano and Saeed, 2023); and its class weights standing in for photographs,
under the class's own name and the everyday words of `everyday.yaml`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import timm
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from agent.models.lite.pool import Pool

EMBED_DIM = 256
MEAN, STD = 127 / 255, 128 / 255
_FROZEN_BLOCKS = 4  # stages of the backbone that stay as they came
_RATE = 8e-4
_TILES, _PHOTOS, _SCENES = 64, 10, 6  # in a step
_SHARE_OF_END = 0.65
_SCALE = 20.0  # logit scale while training the tower; the package's own is calibrated afterwards


Report = Callable[[int, int, dict[str, float]], None]


@dataclass
class Tower:
    """Backbone, projection (1280 → 256), the map of sentence embeddings (384 → 256), and how far
    each of the words learned lies from where that map puts it (v, 256).
    """

    trunk: nn.Module
    project: nn.Linear
    sentence_map: nn.Linear
    moved: nn.Parameter

    def words(self, sentences: Tensor) -> Tensor:
        """Unit embeddings (v, 256) of all words, by their sentence embeddings (v, 384)."""
        return F.normalize(self.sentence_map(sentences) + self.moved, dim=1)


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


class _Early(nn.Module):
    """The frozen stages alone, for `halfway`."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pictures: Tensor) -> tuple[Tensor]:
        return (early(self.model, pictures),)


def halfway(model: nn.Module, pictures: np.ndarray, folder: Path, batch: int = 20) -> Tensor:
    """The frozen stages' result alone (n, 80, h/16, w/16), in half precision."""
    features = _features_of(pictures)
    _fill((features,), _Early(model), pictures, folder, batch)
    return features


def study(
    model: nn.Module, pictures: np.ndarray, folder: Path, batch: int = 50
) -> tuple[Tensor, Tensor, Tensor]:
    """What the untouched network makes of all pictures.

    Returns the frozen stages' result (n, 80, h/16, w/16) in half precision, the pooled features
    (n, 1280) and the class logits (n, 1000).
    """
    count = len(pictures)
    kept = (_features_of(pictures), torch.empty(count, 1280), torch.empty(count, 1000))
    _fill(kept, _Frozen(model), pictures, folder, batch)
    return kept


def _features_of(pictures: np.ndarray) -> Tensor:
    side = pictures.shape[1] // 16
    return torch.empty(len(pictures), 80, side, side, dtype=torch.float16)


def _fill(
    kept: Sequence[Tensor], network: nn.Module, pictures: np.ndarray, folder: Path, batch: int
) -> None:
    """Fill `kept`, a tensor for each output, by ONNX Runtime (8 times torch's speed)."""
    path = folder / "frozen.onnx"
    # After an export torch sets all modules below to the mode of the outermost one: in training
    # mode the backbone would normalise by batches and forget its running means.
    network.eval()
    torch.onnx.export(
        network, (torch.zeros(2, 3, *pictures.shape[1:3]),), str(path), input_names=["x"],
        dynamic_axes={"x": {0: "n"}}, dynamo=False,
    )  # fmt: skip
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for at in range(0, len(pictures), batch):
        some = slice(at, at + batch)
        found = session.run(None, {"x": normalised(pictures[some]).numpy()})
        # Copied, not kept: a result that stays alive pins the session's memory of that run.
        for tensor, part in zip(kept, found, strict=True):
            tensor[some] = torch.from_numpy(part)


def start(
    model: nn.Module, centre: Tensor, texts: Tensor, targets: Tensor, words: int,
    ridge: float = 3.0,
) -> Tower:  # fmt: skip
    """The data-free recipe: projection on the classifier's directions, ridge from sentences.

    `centre` (1280,) is the mean of pooled features over pictures, which comes to lie at nought;
    `texts` (n, 384) are sentence embeddings of nouns, `targets` (n, 1280) the unit class weights
    that they should map to; `words` is the number of words that will be learned.
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
        project.bias.copy_(-(basis @ centre))
        mapping.weight.copy_(solved[:-1].T)
        mapping.bias.copy_(solved[-1])
    return Tower(model, project, mapping, nn.Parameter(torch.zeros(words, EMBED_DIM)))


@torch.no_grad()
def places(tower: Tower, sentences: Tensor) -> Tensor:
    """Where words lie (n, 256): the learned ones come first, all others where the map puts them."""
    found: Tensor = tower.sentence_map(sentences)
    found[: len(tower.moved)] += tower.moved
    return found


@dataclass(frozen=True)
class Lesson:
    """What the tower learns from.

    `names` (v, 384) are sentence embeddings of all words, `kin` (v, v) says which may name the
    same thing; `captions` lists for each drawing its words' positions in `names`; `classes` (1000,)
    are the positions of ImageNet's class names, `everyday` lists for each class the positions of
    the words that its photographs show; `background` is the word for empty squares.
    """

    names: Tensor
    kin: Tensor
    captions: Sequence[Sequence[int]]
    classes: Tensor
    everyday: Sequence[Sequence[int]]
    background: int


@dataclass(frozen=True)
class Studied:
    """A pool as the untouched network sees it.

    Features half-way of tiles, photographs' parts and scenes, the class logits of tiles and
    photographs' parts, the latter's pooled features (p, 1280), and the mean of the tiles' (1280,).
    """

    tiles: Tensor
    photos: Tensor
    scenes: Tensor
    tile_logits: Tensor
    photo_logits: Tensor
    photo_pooled: Tensor
    centre: Tensor


def train(
    tower: Tower, pool: Pool, seen: Studied, lesson: Lesson, *,
    passes: float, seed: int, report: Report,
) -> None:  # fmt: skip
    """Fine-tune in place, going `passes` times through the tiles, the rate once up and down.

    `report(step, steps, losses)` is called now and then.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    tower.trunk.to(memory_format=torch.channels_last)
    learning = _learning(tower)
    first_map = tower.sentence_map.weight.detach().clone()
    with torch.no_grad():
        photos_first = F.normalize(tower.project(seen.photo_pooled), dim=1)
    optimiser = torch.optim.AdamW(learning, lr=_RATE, weight_decay=1e-4)
    steps = int(passes * len(seen.tiles) / _TILES)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, _RATE, total_steps=steps, pct_start=0.1
    )
    class_weights = F.normalize(tower.trunk.classifier.weight.detach(), dim=1)
    order = _order(len(seen.tiles), steps, random)
    for step in range(steps):
        words = tower.words(lesson.names)
        some = order[step]
        photos = random.choice(len(seen.photos), _PHOTOS, replace=False)
        images = _images(tower, [seen.tiles[some], seen.photos[photos]], random)
        logits = torch.cat([seen.tile_logits[some], seen.photo_logits[photos]])
        tiles, parts = images[: len(some)], images[len(some) :]
        scenes = random.choice(len(seen.scenes), _SCENES, replace=False)
        losses = {
            "tiles": _tile_loss(tiles, pool.shown[some], lesson, words, random),
            "things": _thing_loss(tower, seen.scenes, pool, lesson, words, scenes, random),
            "keep": _keep_loss(images, logits, words[lesson.classes]),
            "parts": 4 * (1 - (parts * photos_first[photos]).sum(dim=1).mean()),
            "classes": _class_loss(tower, class_weights, lesson, words, random),
            "map": 30 * F.mse_loss(tower.sentence_map.weight, first_map, reduction="sum") / 384,
            "moved": 0.2 * tower.moved.square().sum(dim=1).mean(),
        }
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()
        nn.utils.clip_grad_norm_(learning, 2.0)
        optimiser.step()
        schedule.step()
        if step % 25 == 0:
            report(step, steps, {name: float(loss.detach()) for name, loss in losses.items()})


def state(tower: Tower) -> list[Tensor]:
    """A copy of all that learns, for `blend`."""
    return [parameter.detach().clone() for parameter in _learning(tower)]


@torch.no_grad()
def blend(tower: Tower, first: Sequence[Tensor], end: Sequence[Tensor]) -> None:
    """Set the weights between where training started and where it ended.

    There the photographs that drawings teach to forget are kept, and unseen drawings known hardly
    worse (WiSE-FT: Wortsman et al., 2022).
    """
    for parameter, start_value, last in zip(_learning(tower), first, end, strict=True):
        parameter.copy_(torch.lerp(start_value, last, _SHARE_OF_END))


def _learning(tower: Tower) -> list[nn.Parameter]:
    """The parameters that learn; all others of the trunk are kept as they are."""
    for parameter in tower.trunk.parameters():
        parameter.requires_grad_(False)
    learning = [p for block in tower.trunk.blocks[_FROZEN_BLOCKS:] for p in block.parameters()]
    learning += [*tower.trunk.conv_head.parameters(), *tower.trunk.bn2.parameters()]
    learning += [*tower.project.parameters(), *tower.sentence_map.parameters(), tower.moved]
    for parameter in learning:
        parameter.requires_grad_(True)
    return learning


def _order(count: int, steps: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Which tiles come up in each step, shape (steps, 64): all of them before any comes again."""
    passes = -(-steps * _TILES // count)
    every = np.concatenate([random.permutation(count) for _ in range(passes)])
    return every[: steps * _TILES].reshape(steps, _TILES)


def _images(tower: Tower, features: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    both = torch.cat(list(features)).float()
    if random.random() < 0.5:
        both = both.flip(3)
    pooled = late(tower.trunk, both).mean(dim=(2, 3))
    return F.normalize(tower.project(pooled), dim=1)


def _tile_loss(
    images: Tensor, shown: np.ndarray, lesson: Lesson, words: Tensor, random: np.random.Generator
) -> Tensor:
    asked = [int(random.choice(lesson.captions[drawing])) for drawing in shown]
    return _caption_loss(images, words, torch.as_tensor(asked), lesson.kin[asked])


def _thing_loss(
    tower: Tower, scenes: Tensor, pool: Pool, lesson: Lesson, words: Tensor, chosen: np.ndarray,
    random: np.random.Generator,
) -> Tensor:  # fmt: skip
    """Each drawing of a scene, by the mean of the cells that it covers; what is left is background."""
    cells = late(tower.trunk, scenes[chosen].float())
    shares = F.avg_pool2d(torch.from_numpy(pool.shares[chosen]).float() / 255, 2)
    asked, weights, of_scene = [], [], []
    for number, scene in enumerate(chosen):
        empty = (shares[number].sum(dim=0) < 0.01).float()
        if empty.sum() >= 4:
            asked.append(lesson.background)
            weights.append(empty)
            of_scene.append(number)
        for drawing, share in zip(pool.present[scene], shares[number], strict=True):
            if drawing >= 0 and share.sum() >= 1.5:
                asked.append(int(random.choice(lesson.captions[drawing])))
                weights.append(share)
                of_scene.append(number)
    mask = torch.stack(weights)
    pooled = torch.einsum("khw,kchw->kc", mask, cells[of_scene]) / mask.sum(dim=(1, 2))[:, None]
    images = F.normalize(tower.project(pooled), dim=1)
    return _caption_loss(images, words, torch.as_tensor(asked), lesson.kin[asked])


def _caption_loss(images: Tensor, words: Tensor, asked: Tensor, alike: Tensor) -> Tensor:
    """Softmax over all words but those that would be right, too: `alike` (n, v)."""
    logits = _SCALE * images @ words.T
    alike = alike.clone()
    alike[torch.arange(len(asked)), asked] = False
    return F.cross_entropy(logits.masked_fill(alike, -1e4), asked)


def _keep_loss(images: Tensor, logits: Tensor, classes: Tensor) -> Tensor:
    """The classifier's own probabilities, now by way of the class names."""
    now = F.log_softmax(_SCALE * images @ classes.T, dim=1)
    return 1.5 * F.kl_div(now, F.softmax(logits / 1.5, dim=1), reduction="batchmean")


def _class_loss(
    tower: Tower, class_weights: Tensor, lesson: Lesson, words: Tensor, random: np.random.Generator
) -> Tensor:
    """A class's weights, blurred by noise, stand for photographs of it: named, and in everyday words."""
    chosen = random.integers(len(class_weights), size=192)
    noise = torch.randn(len(chosen), class_weights.shape[1]) * 0.03
    images = F.normalize((class_weights[chosen] + noise) @ tower.project.weight.T, dim=1)
    named = [[int(lesson.classes[number]), *lesson.everyday[number]] for number in chosen]
    asked = torch.as_tensor([int(random.choice(positions)) for positions in named])
    alike = lesson.kin[asked]
    for row, positions in enumerate(named):
        alike[row, positions] = True
    return 0.7 * _caption_loss(images, words, asked, alike)
