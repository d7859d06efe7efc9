"""Package: how large the built layers and functions are, against Lambda's limit."""

import sys
from pathlib import Path

LIMIT_MB = 250
"""Lambda's limit for a function with all its layers, unpacked."""
BUILT = Path(".aws-sam/build")


def size_mb(folder: Path) -> float:
    """Bytes of all files below, in millions."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) / 1e6


def main() -> int:
    if not BUILT.is_dir():
        print("Nothing is built yet: run `make package`, which builds first.", file=sys.stderr)
        return 1
    parts = {folder.name: size_mb(folder) for folder in sorted(BUILT.iterdir()) if folder.is_dir()}
    layers = {name: size for name, size in parts.items() if name.endswith("Layer")}
    for name, size in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"{name:28} {size:8.1f} MB")
    largest = max((size for name, size in parts.items() if name not in layers), default=0.0)
    whole = sum(layers.values()) + largest
    print(f"{'a function with every layer':28} {whole:8.1f} MB of {LIMIT_MB}")
    return 0 if whole < LIMIT_MB else 1


if __name__ == "__main__":
    sys.exit(main())
