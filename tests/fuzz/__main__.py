"""Fuzzes all that is read from others, for long: says inputs, memory and findings of each target.

    python -m tests.fuzz [TARGET …] [--seconds S] [--kept FOLDER]

Needs atheris (extra `fuzz`). Inputs that led to new code are kept in FOLDER and gone on with the
next time; an input that was a finding lies there as `TARGET-crash-…`. Exit status 1 with findings.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tests.fuzz.corpus import seeds
from tests.fuzz.targets import TARGETS

_SLOWEST_S, _MOST_MEMORY_MB = 10, 2048  # for one input: what takes more is a finding
_LONGEST = {"picture": 4096, "segmenter": 512, "instruction": 1500}


def main() -> None:
    """Fuzzes each target in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=list(TARGETS), metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--kept", type=Path, default=Path("captcha-report/fuzz"))
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no such target: {', '.join(sorted(unknown))}; use {', '.join(TARGETS)}")
    found = [_fuzz(target, given.seconds, given.kept) for target in given.targets]
    sys.exit(1 if any(found) else 0)


def _fuzz(target: str, seconds: int, kept: Path) -> bool:
    """Whether anything was found; prints a line that says how it went."""
    folder = kept / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(seeds(target)):
        (folder / f"seed-{number:03}").write_bytes(data)
    command = [
        *(sys.executable, "-m", "tests.fuzz.guided", target, str(folder)),
        *(
            f"-max_total_time={seconds}",
            f"-timeout={_SLOWEST_S}",
            "-print_final_stats=1",
            "-keep_seed=1",
        ),
        *(f"-rss_limit_mb={_MOST_MEMORY_MB}", f"-max_len={_LONGEST.get(target, 2048)}"),
        *(f"-artifact_prefix={kept / target}-", "-seed=1"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    memory = [int(text) for text in re.findall(r"^#\d+.* rss: (\d+)Mb", done.stderr, re.MULTILINE)]
    inputs = re.findall(r"^#(\d+)", done.stderr, re.MULTILINE)
    begin, end = memory[len(memory) // 10 :][:1], memory[-1:]
    print(
        f"{target:<12} {int(inputs[-1]) if inputs else 0:>8} inputs, memory {begin} → {end} MB, "
        f"{'FOUND' if done.returncode else 'nothing found'}",
        flush=True,
    )
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-4000:], sep="\n")
    return done.returncode != 0


if __name__ == "__main__":
    main()
