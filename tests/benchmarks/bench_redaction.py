"""
Bench redaction: what masking misses, what it takes wrongly, and how fast it is.

    python -m tests.benchmarks.bench_redaction

The corpus is our own (`redaction_corpus`). Rules are tuned on its `dev` half; `held out` is what to expect of
sentences no rule was written for, though one author wrote both and has seen its counts. Rates compare
between machines, speed does not.
"""

import time
from collections.abc import Callable, Sequence

from candor.redaction import mask, mask_cards, masked
from tests.benchmarks.redaction_corpus import OWN, Sample, Score, lookalikes, planted, scores


def masking(text: str) -> str:
    """As what becomes knowledge is masked."""
    return mask(text, keep=OWN)


def total(samples: Sequence[Sample]) -> Score:
    """All of them as one."""
    return scores(samples, masking, by=lambda _: "all")["all"]


def _table(title: str, samples: Sequence[Sample], by: Callable[[Sample], str]) -> None:
    dev = scores([one for one in samples if not one.held_out], masking, by=by)
    held = scores([one for one in samples if one.held_out], masking, by=by)
    print(f"\n{title:<12} {'dev':>18} {'held out':>18}")
    for name in sorted({*dev, *held}):
        cells = (
            f"{one.wrong:>5} of {one.items:<4}" for one in (dev.get(name, Score()), held.get(name, Score()))
        )
        print(f"{name:<12} " + " ".join(f"{cell:>18}" for cell in cells))


def main() -> None:
    secrets, others = planted(), lookalikes()
    for half, wanted in (("dev", False), ("held out", True)):
        missed = total([one for one in secrets if one.held_out == wanted])
        taken = total([one for one in others if one.held_out == wanted])
        print(
            f"{half:<9} recall {1 - missed.rate:.4f} of {missed.items}, "
            f"false positives {taken.rate:.4f} of {taken.items}, "
            f"words around harmed in {missed.around} of {missed.texts} texts"
        )
    _table("missed", secrets, lambda one: one.kind)
    _table("missed", secrets, lambda one: one.language)
    _table("taken", others, lambda one: one.kind)
    _table("taken", others, lambda one: one.language)
    text = "\n".join(one.text for one in (*others, *secrets, *others))
    text *= 500_000 // len(text) + 1
    print()
    for how in (mask_cards, masked, mask):
        started = time.process_time()
        how(text)
        print(f"{how.__name__:<12} {len(text.encode()) / 1e6 / (time.process_time() - started):6.1f} MB/s")


if __name__ == "__main__":
    main()
