"""What is learnt from labelled tiles, and that it is told how well honestly."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from agent.calibrate import Calibrated, Finish, calibrate
from agent.models import calibrated, store
from agent.models.card import Calibration
from agent.pictures import open_picture
from agent.scorer import load_scorer
from tests.test_cli import run

PICTURES = Path(__file__).parents[1] / "fixtures" / "pictures"


def learn(embeddings: Any, truth: Any, before: Any, finish: Finish = np.asarray) -> Calibrated:
    """Calibrate on words that say the same at each scale."""
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    return calibrate(
        unit.astype(np.float32), truth, lambda scale: before * scale / 12, before, finish
    )


def labels(n: int, k: int) -> Any:
    return np.eye(k, dtype=np.int8)[np.arange(n) % k]


def test_pictures_are_learnt() -> None:
    """Where pictures of a label lie together and the words know little, the pictures are kept."""
    random, truth = np.random.default_rng(0), labels(48, 4)
    embeddings = random.normal(size=(4, 32))[truth.argmax(axis=1)] + random.normal(size=(48, 32))
    found = learn(embeddings, truth, random.normal(size=(48, 4)))
    assert found.how == "pictures"
    assert found.before.auc.value < 0.7
    assert found.after.auc.value > 0.9
    assert found.after.loss.high < found.before.loss.low
    assert found.learnt[0].weights.shape == (32,)


def test_chance_is_not_learnt() -> None:
    """Pictures that have nothing to do with their labels: what is told is chance, not what fits."""
    random, truth = np.random.default_rng(1), labels(60, 3)
    before = 2.0 * truth - 1 + random.normal(size=(60, 3))
    found = learn(random.normal(size=(60, 64)), truth, before)
    assert found.how in ("words", "nothing")
    assert not any(one.weights.any() for one in found.learnt)
    assert found.after.auc.low < found.before.auc.value < found.after.auc.high
    blind = learn(random.normal(size=(60, 64)), truth, np.zeros((60, 3)))
    assert blind.after.loss.high > np.log(2) - 0.01


def test_what_else_is_known_counts_in_what_is_told() -> None:
    """What is added to logits when tiles are scored is added to what was learnt, too."""
    random, truth = np.random.default_rng(0), labels(48, 4)
    embeddings = random.normal(size=(4, 32))[truth.argmax(axis=1)] + random.normal(size=(48, 32))
    before = random.normal(size=(48, 4))
    found = learn(embeddings, truth, before, lambda logits: logits + 30.0 * truth - 15)
    assert found.how != "nothing"
    assert found.after.loss.high < learn(embeddings, truth, before).after.loss.low


def test_nothing_better_is_nothing() -> None:
    """Where the words are right already nothing is learnt."""
    truth = labels(24, 3)
    found = learn(np.random.default_rng(0).normal(size=(24, 8)), truth, 60.0 * truth - 30)
    assert (found.how, found.learnt, found.after) == ("nothing", (), found.before)


def test_what_is_not_known_counts_for_nothing() -> None:
    """A tile of which it is not known whether it shows a label changes nothing for that label."""
    random, truth = np.random.default_rng(0), labels(40, 2)
    truth[:6, 1] = -1
    embeddings, before = random.normal(size=(40, 8)), random.normal(size=(40, 2))
    loud = before.copy()
    loud[:6, 1] = 1000
    assert learn(embeddings, truth, before).before == learn(embeddings, truth, loud).before


def lay(folder: Path, **labels: tuple[str, int]) -> Path:
    """A folder of labels, each with some of the fixture site's drawings of a concept."""
    for label, (concept, count) in labels.items():
        (folder / label).mkdir(parents=True)
        for file in sorted((PICTURES / concept).glob("*.webp"))[:count]:
            (folder / label / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(store.FOLDER_VARIABLE, str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.mark.usefixtures("models")
def test_a_package_is_made(tmp_path: Path) -> None:
    """What is learnt is a package that scores the labels anew and all other words as before."""
    folder = lay(tmp_path / "tiles", zorb=("umbrella", 8), cow=("cow", 8), _other=("boat", 8))
    done = run("calibrate", str(folder), "--name", "ours", "--json")
    assert done.returncode == 0, done.stderr
    content = json.loads(done.stdout)
    assert content["pictures"] == {"cow": 8, "zorb": 8, "_other": 8}
    assert (content["base"], content["learnt"], content["n"]) == ("lite", "pictures", 24)
    assert content["after"]["loss"]["value"] < content["before"]["loss"]["value"]
    card = json.loads(run("models", "show", "ours", "--json").stdout)
    assert card["calibration"]["base"] == "lite"
    assert card["calibration"]["pictures"] == content["pictures"]
    assert card["calibration"]["after"] == content["after"]
    assert "calibrated for cow, zorb" in run("models", "list").stdout

    lite, ours = load_scorer("lite"), load_scorer("ours")
    unseen = [open_picture(p) for p in sorted((PICTURES / "umbrella").glob("*"))[8:]]
    unseen += [open_picture(p) for p in sorted((PICTURES / "bus").glob("*"))[:4]]
    zorbs = ours.score(unseen, "Select all images with a zorb").probabilities
    assert zorbs[:-4].min() > zorbs[-4:].max()
    for word in ("bus", "umbrella"):
        same = [s.score(unseen, f"Select all images with a {word}") for s in (lite, ours)]
        assert (same[0].probabilities == same[1].probabilities).all()


def test_a_name_that_is_taken(models: Path, tmp_path: Path) -> None:
    """A calibrated package is made anew under its name; no other package is overwritten."""
    base = store.open_package("lite")
    row = calibrated.Learnt(15.0, np.ones(256, dtype=np.float32), 1.0)
    for label in ("bus", "zorb"):
        calibrated.write(
            store.open_package("ours") if label == "zorb" else base, "ours", {label: row},
            Calibration("lite", "2026-01-01", {label: 4}),
        )  # fmt: skip
    ours = store.open_package("ours")
    assert set(calibrated.load(ours)) == {"bus", "zorb"}
    assert ours.card.calibration is not None
    assert ours.card.calibration.pictures == {"bus": 4, "zorb": 4}
    assert [path.name for path in (models / ".partial").iterdir()] in ([], ["ours.lock"])
    (models / "ours").rename(models / "plain")
    card = yaml.safe_load((models / "plain" / "model.yaml").read_text())
    del card["calibration"]
    (models / "plain" / "model.yaml").write_text(yaml.safe_dump(card))
    folder = lay(tmp_path / "tiles", bus=("bus", 4), _other=("boat", 4))
    for name, message in (
        ("lite", "--name lite: that one comes with captcha-agent; take another name"),
        ("plain", "--name plain: a prepared package has that name; take another one, or remove it "
         "with `captcha-agent models remove plain`"),
    ):  # fmt: skip
        done = run("calibrate", str(folder), "--name", name)
        assert done.returncode == 2
        assert done.stderr == f"captcha-agent: {message}\n"


def test_an_altered_calibration_is_refused(models: Path) -> None:
    """The file of what was learnt is checked as all others are."""
    row = calibrated.Learnt(15.0, np.ones(256, dtype=np.float32), 1.0)
    card = Calibration("lite", "2026-01-01", {"bus": 4})
    calibrated.write(store.open_package("lite"), "ours", {"bus": row}, card)
    with (models / "ours" / "calibration.npz").open("ab") as file:
        file.write(b"x")
    done = run("score", "x.png", "--instruction", "Select all images with a bus", "--model", "ours")
    assert done.returncode == 2
    assert "calibration.npz: the file is damaged or altered" in done.stderr


def test_a_picture_that_is_none_is_named(tmp_path: Path) -> None:
    """A file that can't be read as a picture is an error that names it."""
    folder = lay(tmp_path / "tiles", bus=("bus", 4), _other=("boat", 4))
    (folder / "bus" / "notes.txt").write_text("no picture")
    done = run("calibrate", str(folder))
    assert done.returncode == 2
    assert (
        "bus/notes.txt: is no picture that can be read (PNG, JPEG, WebP, GIF, BMP)" in done.stderr
    )
