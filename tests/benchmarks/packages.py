"""A prepared package of ViT-B/32 against open_clip itself, side by side in one run.

    python tests/benchmarks/packages.py [--checkpoint FILE.safetensors] [--precision int8|float32]
                                        [--runs N] [--pictures FOLDER] [--count N]

Needs open_clip (the extra `clip`). Without a checkpoint the weights are random: times and memory
are those of real ones; parity is easier to keep than theirs. Printed are medians, of the time on
the clock and of the processor's: the latter holds where other programs share the machine.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from agent import places
from agent.models.store import FOLDER_VARIABLE
from tests.benchmarks.cold_start import HERE, measure, written_tiles

if TYPE_CHECKING:  # torch comes late: a process that is started counts its parent's memory
    from agent.models.encoder import Encoder
    from agent.models.source import Loaded

NAME = "benchmark"
ARCH = "ViT-B-32"
RANDOM = """
import logging, sys, open_clip, torch
from safetensors.torch import save_file
logging.disable(logging.WARNING)
torch.manual_seed(0)
model = open_clip.create_model(sys.argv[1])
save_file({name: value.contiguous() for name, value in model.state_dict().items()}, sys.argv[2])
"""


def main() -> None:
    """Prepare the package, measure both sides in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--precision", choices=["int8", "float32"], default="int8")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--pictures", type=Path, default=places.pictures_folder())
    parser.add_argument("--count", type=int, default=500, help="pictures for the least cosine")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ.setdefault(FOLDER_VARIABLE, str(folder / "models"))
        checkpoint = given.checkpoint or random_weights(folder / "random.safetensors")
        prepare = ["models", "prepare", f"{ARCH}:{checkpoint}", "--name", NAME]
        subprocess.run(
            [sys.executable, "-m", "agent.cli", *prepare, "--precision", given.precision],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        tiles = written_tiles(folder)
        print(f"{ARCH}, {'random' if given.checkpoint is None else 'given'} weights, "
              f"{given.precision}, {len(os.sched_getaffinity(0))} cores")  # fmt: skip
        cold(tiles, given.runs)

        from agent.models import parity
        from agent.models.encoder import load_encoder
        from agent.models.source import load, read_source

        loaded, encoder = load(read_source(f"{ARCH}:{checkpoint}")[1]), load_encoder(NAME)
        pictures = [Image.open(tile).convert("RGB") for tile in tiles]
        warm(loaded, encoder.embed_images, pictures, given.runs)
        closeness(loaded, encoder, parity.sample(given.pictures, given.count))


def random_weights(path: Path) -> Path:
    """A checkpoint of an untrained model."""
    subprocess.run([sys.executable, "-c", RANDOM, ARCH, str(path)], check=True)
    return path


def cold(tiles: list[str], runs: int) -> None:
    """Process start to nine tiles scored, and the peak of memory on the way."""
    asked = ["--instruction", "Select all images with a bus", "--model", NAME, "--json"]
    sides = {
        "package": [sys.executable, "-m", "agent.cli", "score", *tiles, *asked],
        "open_clip": [sys.executable, str(HERE / "open_clip_script.py"), *tiles],
    }
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, command in sides.items():
            found[name].append(measured(command))
    told("s from process start to nine tiles", found, 0)
    told("s of the processor for that", found, 1)
    told("MB of memory at the peak", found, 2)


def measured(command: list[str]) -> tuple[float, ...]:
    """Seconds on the clock and of the processor, and MB at the peak, of a process."""
    before = os.times()
    seconds, memory = measure(command)
    after = os.times()
    used = after.children_user + after.children_system
    return seconds, used - before.children_user - before.children_system, memory


def warm(
    loaded: Loaded, look: Callable[[list[Image.Image]], Any], tiles: list[Image.Image], runs: int
) -> None:
    """Nine tiles as `look` of a loaded package sees them, preprocessing included."""
    import torch

    def one_at_a_time() -> None:
        for tile in tiles:
            loaded.model.encode_image(loaded.transform(tile)[None])

    def one_batch() -> None:
        loaded.model.encode_image(torch.stack([loaded.transform(tile) for tile in tiles]))

    sides: dict[str, Callable[[], Any]] = {
        "package": lambda: look(tiles),
        "open_clip": one_at_a_time,
        "open_clip, one batch": one_batch,
    }
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in sides}
    with torch.inference_mode():
        for run in range(runs + 1):
            for name, side in sides.items():
                start_s, used_s = time.perf_counter(), time.process_time()
                side()
                if run:  # the first one warms up
                    now_s, by_now_s = time.perf_counter(), time.process_time()
                    found[name].append((now_s - start_s, by_now_s - used_s))
    told("s for nine tiles, warm", found, 0)
    told("s of the processor for that", found, 1)


def closeness(loaded: Loaded, encoder: Encoder, paths: list[Path]) -> None:
    """The least cosine between both sides' embeddings of real pictures."""
    from agent.models import parity

    expected = parity.expected_images(loaded, paths, lambda *_: None)
    close = parity.measure_images(encoder, paths, expected)
    least, mean = close["image_least_cosine"], close["image_mean_cosine"]
    print(f"cosine to open_clip: least of {len(paths)} pictures {least:.4f}, mean {mean:.4f}")


def told(unit: str, found: dict[str, list[tuple[float, ...]]], part: int) -> None:
    """A line a side: the median of one part of what was measured, its ratio to the package's."""
    medians = {name: statistics.median(run[part] for run in runs) for name, runs in found.items()}
    print(unit, flush=True)
    for name, value in medians.items():
        print(f"  {name:<22} {value:8.3f}  {value / medians['package']:6.1f} x")


if __name__ == "__main__":
    main()
