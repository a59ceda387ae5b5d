"""Process start to nine tiles scored: `captcha-agent score` against the open_clip script.

    python -m tests.benchmarks.cold_start [--python PATH of one that has open_clip] [--runs N]

Both run in turn, in one go, on the same tiles; printed are medians and their ratio.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from fixtures.challenge import make
from fixtures.kinds import KINDS

HERE = Path(__file__).parent


def measure(command: list[str]) -> tuple[float, float]:
    """(seconds, peak memory in MB) of a process, from its start to its end."""
    start_s = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - start_s
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return seconds, usage.ru_maxrss / 1024


def written_tiles(folder: Path) -> list[str]:
    """Nine tiles of the fixture site as files."""
    paths = []
    for number, picture in enumerate(
        make(KINDS["tiles"], "1:0", np.random.default_rng(0)).pictures
    ):
        paths.append(str(folder / f"{number}.jpg"))
        Path(paths[-1]).write_bytes(picture)
    return paths


def main() -> None:
    """Write nine tiles, run both sides in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="one that has open_clip")
    parser.add_argument("--runs", type=int, default=7)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tiles = written_tiles(Path(folder))
        asked = ["--instruction", "Select all images with a bus", "--json"]
        sides = {
            "captcha-agent, lite": [sys.executable, "-m", "agent.cli", "score", *tiles, *asked]
        }
        if given.python != sys.executable or importlib.util.find_spec("open_clip"):
            script = str(HERE / "open_clip_script.py")
            sides["open_clip, ViT-B/32"] = [given.python, script, *tiles]
        else:
            print("open_clip is not installed (pip install '.[clip]'): only our side is measured")
        runs: dict[str, list[tuple[float, float]]] = {name: [] for name in sides}
        for _ in range(given.runs):
            for name, command in sides.items():
                runs[name].append(measure(command))
    medians = [
        tuple(statistics.median(run[part] for run in found) for part in (0, 1))
        for found in runs.values()
    ]
    for name, (seconds, memory) in zip(sides, medians, strict=True):
        print(f"{name:<22} {seconds:6.2f} s  {memory:6.0f} MB")
    if len(medians) == 2:
        faster, smaller = (theirs / ours for ours, theirs in zip(*medians, strict=True))
        print(f"ratio of medians of {given.runs} runs: {faster:.1f} times faster, "
              f"{smaller:.1f} times less memory")  # fmt: skip


if __name__ == "__main__":
    main()
