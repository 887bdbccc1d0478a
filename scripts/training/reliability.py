"""The reliability diagram: how often first hits of a score are right."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

_BINS = 10


def draw_reliability(output: Path, *kinds: tuple[str, Sequence[float], Sequence[bool]]) -> None:
    """A PNG. Each of `kinds` is a name, scores, and whether the hits that have them are right."""
    from matplotlib import use

    use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(4.2, 4.8), dpi=100)
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    for name, scores, right in kinds:
        values, labels = np.array(scores), np.array(right, dtype=np.float64)
        bins = np.minimum((values * _BINS).astype(int), _BINS - 1)
        filled = [number for number in range(_BINS) if (bins == number).any()]
        means = [(values[bins == number].mean(), labels[bins == number].mean()) for number in filled]
        error = sum(
            (bins == n).sum() * abs(score - share) for n, (score, share) in zip(filled, means, strict=True)
        )
        legend = f"{name} ({len(values)}, mean error {error / len(values):.3f})"
        axes.plot(*zip(*means, strict=True), marker="o", linewidth=1, label=legend)
        for number, (score, share) in zip(filled, means, strict=True):
            axes.annotate(str((bins == number).sum()), (score, share), fontsize=6, color="0.4")
    axes.set(xlabel="score of the first hit", ylabel="share that is right", xlim=(0, 1), ylim=(0, 1))
    axes.legend(fontsize=6, loc="lower left", bbox_to_anchor=(0.0, 1.01))
    figure.tight_layout()
    figure.savefig(output, metadata={"Software": None})
    pyplot.close(figure)
