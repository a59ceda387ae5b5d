"""What a package will cost, reckoned from the parameters before anything is downloaded.

The factors were measured on ViT-B/32 (`tests/benchmarks/packages.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

_RUNTIME_MB = 100  # Python, ONNX Runtime and what nine tiles need


@dataclass(frozen=True, slots=True)
class Costs:
    """In MB: what is downloaded, what preparing takes, what the package and running it take."""

    download_mb: int
    prepare_memory_mb: int
    package_mb: int
    memory_mb: int


def reckoned(image: float, text: float, precision: str, download_mb: int = 0) -> Costs:
    """Costs of towers with so many millions of parameters; memory is without the text tower."""
    if precision == "int8":
        package, memory = 1.2 * image + 1.45 * text, 1.2 * image
    else:
        package, memory = 2 * (image + text), 6 * image
    everything = 4 * (image + text)
    return Costs(
        download_mb=download_mb or round(everything),
        prepare_memory_mb=round(700 + 3 * everything),
        package_mb=round(package + 3),
        memory_mb=round(memory + _RUNTIME_MB),
    )
