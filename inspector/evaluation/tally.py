"""Numbers per scene and class, averaged, with their spread over scenes drawn anew."""

from collections.abc import Callable

import numpy as np

REPEATS = 200

Summary = dict[str, float | int | None]


def half_interval(statistic: Callable[[np.ndarray], float], scenes: int) -> float | None:
    """Half the width of the 95% bootstrap interval of `statistic(rows)`, rows int (scenes,) with repeats.

    None for fewer than two scenes or where the statistic is never defined.
    """
    return _half_width(np.array([statistic(rows) for rows in _draws(scenes)])) if scenes > 1 else None


def mean_of_pairs(values: np.ndarray) -> Summary:
    """{mean, std, ci95, count} over all pairs of a scene and a class it shows.

    values: (scene, class), nan where the scene does not show the class. ci95 draws whole scenes, since the pairs of one
    scene are not independent.
    """
    known = np.isfinite(values)
    sums, counts = _drawn_sums(values)
    return _summary(values[known], _ratio(sums.sum(1), counts.sum(1)))


def mean_of_classes(values: np.ndarray) -> Summary:
    """As `mean_of_pairs`, but each class counts alike however often it is shown: the mean of the classes' means.

    std is that of the classes' means, count their number.
    """
    means = class_means(values)
    drawn = _ratio(*_drawn_sums(values))  # (repeat, class)
    shown = np.isfinite(drawn)
    return _summary(means[np.isfinite(means)], _ratio(np.nansum(drawn, 1), shown.sum(1)))


def class_means(values: np.ndarray) -> np.ndarray:
    """(class,) mean over the scenes that show each class; nan for a class that none shows."""
    return _ratio(np.nansum(values, 0), np.isfinite(values).sum(0))


def with_spread(summary: Summary) -> str:
    """ "0.512 ± 0.031": the mean and half its 95% interval."""
    if summary["mean"] is None:
        return "–"
    return f"{summary['mean']:.3f}" + (f" ± {summary['ci95']:.3f}" if summary["ci95"] is not None else "")


def _draws(scenes: int) -> np.ndarray:
    """int (REPEATS, scenes): rows of scenes drawn with replacement, the same ones for every metric."""
    return np.random.default_rng(0).integers(scenes, size=(REPEATS, scenes))


def _drawn_sums(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums and counts (REPEATS, class) of the values that are not nan in scenes drawn anew.

    Without rows for a single scene, which says nothing of other scenes.
    """
    scenes = len(values)
    if scenes < 2:
        return np.zeros((0, values.shape[1])), np.zeros((0, values.shape[1]))
    times = np.stack([np.bincount(rows, minlength=scenes) for rows in _draws(scenes)])  # (repeat, scene)
    return times @ np.nan_to_num(values), times @ np.isfinite(values)


def _ratio(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.divide(sums, counts, out=np.full(np.shape(sums), np.nan), where=counts > 0)


def _half_width(drawn: np.ndarray) -> float | None:
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return None
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(high - low) / 2


def _summary(values: np.ndarray, drawn: np.ndarray) -> Summary:
    return {
        "mean": float(values.mean()) if values.size else None,
        "std": float(values.std(ddof=1)) if values.size > 1 else None,
        "ci95": _half_width(drawn),
        "count": int(values.size),
    }
