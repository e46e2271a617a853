"""The paper's Table 1 in miniature: trained heads over several seeds, their ranking, and which of its claims hold.

A row's numbers come from `train heads`; nothing is trained or measured here. What differs between two rows of the same
seed is the one thing that their names say, so claims are judged by differences seed by seed.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from inspector.errors import ChoiceError
from inspector.models.heads.specs import HEADS
from inspector.views.table import lines
from inspector.views.table import table as rows_table

Row = Mapping[str, Any]
# mIoU as published (Yang et al., Table 1): ADE20K-847, Pascal Context-459, ADE20K-150, Pascal Context-59.
PUBLISHED: Mapping[str, tuple[float, float, float, float]] = {
    "maskclip-masks": (8.2, 10.0, 23.7, 45.9),
    "odise": (11.1, 14.5, 29.9, 57.3),
    "odise-no-captioner": (10.3, 12.4, 28.3, 54.3),
    "odise-no-unet": (10.1, 12.4, 27.2, 51.7),
    "odise-unet-alone": (10.2, 13.2, 28.6, 52.5),
    "san": (12.4, 15.7, 32.1, 57.7),
}
RANKED = 2  # the published column that ranks: ADE20K-150, which every row has
# What the paper concludes or assumes, and what else its table leaves mixed: (said, better row, other row).
CLAIMS: tuple[tuple[str, str, str], ...] = (
    ("the implicit captioner helps", "odise", "odise-no-captioner"),
    ("the UNet's features help", "odise-no-captioner", "odise-no-unet"),
    ("the UNet alone, without noise, is as good or better", "odise-unet-alone", "odise-no-captioner"),
    ("SAN is better than ODISE", "san", "odise"),
    ("ODISE is better than MaskCLIP", "odise", "maskclip-masks"),
    ("CLIP on crops is better than masked class tokens", "ovseg", "maskclip-masks"),
    ("leaving the noise out helps", "odise-no-noise", "odise-no-captioner"),
    ("masks of stride 4 are better than of stride 8", "odise-no-captioner", "odise-stride-8"),
    ("the same without the autoencoder", "odise-unet-alone-fine", "odise-unet-alone"),
    ("a later time, t = 100, helps", "odise-t-100", "odise-no-captioner"),
    ("a later time, t = 300, helps", "odise-t-300", "odise-no-captioner"),
    ("a true caption helps", "odise-caption", "odise-no-captioner"),
    ("the captioner is better than a true caption", "odise", "odise-caption"),
    ("the captioner's time branch alone helps", "odise-time-alone", "odise-no-captioner"),
    ("features of a whole inversion help", "odise-inversion", "odise-no-captioner"),
)  # fmt: skip
MEASURES = ("miou", "seen", "unseen", "pq")


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """{"rows": [...], "claims": [...], "ranking": {"here": [...], "published": [...]}} of measured rows.

    Each of rows: {"row", "title", "seeds", measure: {"mean", "std", "values"}, "parameters", "training_seconds",
    "picture_seconds"}. Each of claims: {"claim", "better", "other", "mean", "least", "most", "seeds", "holds"}, "holds"
    True or False where all seeds agree, None where they do not or there are fewer than two. Raises ChoiceError of none.
    """
    if not rows:
        raise ChoiceError("No head was measured; train some with `python -m inspector train heads --table`.")
    by_name = {name: [row for row in rows if row["row"] == name] for name in HEADS}
    known = {name: found for name, found in by_name.items() if found}
    found = [_of_row(name, items) for name, items in known.items()]
    means = {item["row"]: item["miou"]["mean"] for item in found}
    ranked = [name for name in PUBLISHED if name in means]
    return {
        "subject": "segmentation heads",
        "rows": found,
        "claims": list(_claims(known)),
        "ranking": {
            "here": sorted(ranked, key=lambda name: -means[name]),
            "published": sorted(ranked, key=lambda name: -PUBLISHED[name][RANKED]),
        },
    }


def _of_row(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    made = {"row": name, "title": HEADS[name].title, "seeds": len(rows), "parameters": rows[0]["parameters"]}
    for measure in MEASURES:
        values = [row[measure] for row in sorted(rows, key=lambda row: row["seed"]) if row[measure] is not None]
        made[measure] = spread(values)
    for measure in ("training_seconds", "picture_seconds"):
        made[measure] = float(np.median([row[measure] for row in rows]))
    alone = [row["by"]["head alone"]["miou"] for row in rows if "head alone" in row["by"]]
    return made | {"head_alone": spread(alone)}


def spread(values: Sequence[float]) -> dict[str, Any] | None:
    """{"mean", "std", "values"} over seeds, std with n - 1, None for one; None of none."""
    if not values:
        return None
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else None,
        "values": list(values),
    }


def _claims(known: Mapping[str, Sequence[Row]]) -> Iterator[dict[str, Any]]:
    for said, better, other in CLAIMS:
        pairs = [
            (one["miou"], two["miou"])
            for one in known.get(better, ())
            for two in known.get(other, ())
            if one["seed"] == two["seed"]
        ]
        if not pairs:
            continue
        differences = np.array([one - two for one, two in pairs])
        agreed = len(pairs) > 1 and (np.all(differences > 0) or np.all(differences < 0))
        yield {
            "claim": said,
            "better": better,
            "other": other,
            "mean": float(differences.mean()),
            "least": float(differences.min()),
            "most": float(differences.max()),
            "seeds": len(pairs),
            "holds": bool(differences[0] > 0) if agreed else None,
        }


def told(value: Mapping[str, Any] | None) -> str:
    """Mean ± standard deviation over seeds."""
    if value is None:
        return "–"
    return f"{value['mean']:.3f}" + ("" if value["std"] is None else f" ± {value['std']:.3f}")


def cells(result: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """The table's rows as text."""
    for item in result["rows"]:
        published = PUBLISHED.get(item["row"])
        yield {
            "row": item["title"],
            "mIoU": told(item["miou"]),
            "seen": told(item["seen"]),
            "unseen": told(item["unseen"]),
            "head alone": told(item["head_alone"]),
            "PQ": told(item["pq"]),
            "parameters": f"{item['parameters'] / 1e6:.2f} M",
            "training": f"{item['training_seconds']:.0f} s",
            "a picture": f"{item['picture_seconds']:.2f} s",
            "seeds": str(item["seeds"]),
            "published A-150": "–" if published is None else f"{published[RANKED]:.1f}",
        }


VERDICTS = {True: "holds here", False: "does not hold here", None: "open: seeds differ, or too few"}


def sentences(result: Mapping[str, Any]) -> Iterator[str]:
    """The ranking beside the paper's, and every claim with its difference."""
    ranking = {key: ", ".join(HEADS[name].title for name in names) for key, names in result["ranking"].items()}
    yield f"Ranking here: {ranking['here']}. As published: {ranking['published']}."
    for claim in result["claims"]:
        said, seeds = claim["claim"], claim["seeds"]
        yield (
            f"“{said[0].upper()}{said[1:]}”: {VERDICTS[claim['holds']]}; mIoU {claim['mean']:+.3f} "
            f"({claim['least']:+.3f} to {claim['most']:+.3f} over {seeds} {'seed' if seeds == 1 else 'seeds'})."
        )


def table(result: Mapping[str, Any]) -> str:
    """The result as text: a line per row, then ranking and claims."""
    return "\n\n".join([lines(rows_table(cells(result))), "\n".join(sentences(result))])
