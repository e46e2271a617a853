"""Train scenes-clip-plain as CLIP was (Radford et al. 2021): by the contrastive loss on its class token alone.

Half-size pictures come first, then whole ones with half of their patches dropped, as in `training.clip`. Captions are
written beforehand, three of six of them naming every visible word; on a GPU the pictures lie there too, as they were
drawn, so that it does nothing but steps. The tokenizer is scenes-clip's. The cpu preset goes on from the shipped
weights at a low rate (`--resume`).
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from inspector.models.clip import SCENES_CLIP, build_clip, save_clip
from inspector.models.parts import open_clip_part
from inspector.models.tokenizer import END, open_fast_tokenizer
from inspector.training.captions import prepared_captions
from inspector.training.cards import Rows, adopt_written, write_card
from inspector.training.clip import ImageTower, contrast, normalised, with_patch_dropout
from inspector.training.data import scene_store
from inspector.training.diffusion import shipped_or_new
from inspector.training.loop import Run, Schedule, half
from inspector.training.probes import clip_localisation

PRESETS: dict[str, dict] = {
    "cpu": {
        "scenes": 12_000,
        "coarse_steps": 0,
        "schedule": Schedule(
            steps=4_000, learning_rate=5e-5, batch=96, average=0.999, weight_decay=0.1, floor=0.02, probe_every=1000
        ),
    },
    # What was shipped first took half-size pictures for the first 45% of its time.
    "gpu": {
        "scenes": 80_000,
        "coarse_steps": 3_000,
        "schedule": Schedule(
            steps=5_047,
            learning_rate=1e-3,
            batch=1024,
            average=0.999,
            weight_decay=0.1,
            floor=0.02,
            probe_every=2000,
            slice_minutes=8,
        ),
    },
}
NAME = "scenes-clip-plain"
DROPPED = 0.5  # of the patches of whole pictures
SCALE = 100.0  # what the logit scale is clamped at


class PlainClip(ImageTower):
    """The model, and the one loss it is trained by."""

    def loss(self, pixels: torch.Tensor, captions: torch.Tensor) -> torch.Tensor:
        """Contrastive loss of pictures (b, 3, h, w) and captions' ids (b, length); equal captions count as right."""
        with half(pixels.device):
            tokens = self.model.visual.transformer.resblocks[-1](self.before_last(pixels))
            found, encoded = self.embed(tokens[:, :1])[:, 0], self.model.encode_text(captions)
        images, texts = F.normalize(found.float(), dim=-1), F.normalize(encoded.float(), dim=-1)
        same = (captions[:, None] == captions[None]).all(-1)
        return contrast(self.model.logit_scale.exp().clamp(max=SCALE) * images @ texts.T, same)


def train(preset: str = "cpu", resume: bool = False, runs: Path = Path("runs"), out: Path | None = None) -> bool:
    """Train scenes-clip-plain and write it to `out`/scenes-clip-plain; True when the last step is done.

    scenes-clip's tokenizer, and with resume but no checkpoint the weights to go on from, are read from `out` where they
    are there, else from the shipped ones.
    """
    options = PRESETS[preset]
    schedule: Schedule = options["schedule"]
    out = out or Path(runs) / "models"
    tokenizer = shipped_or_new(out, "scenes-clip")
    side = SCENES_CLIP["vision_cfg"]["image_size"]
    store = scene_store(runs, options["scenes"], side)
    captions, end = prepared_captions(store, len(store), tokenizer), end_of_text(tokenizer)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    module = PlainClip(build_clip(with_patch_dropout(SCENES_CLIP, DROPPED))).to(device)
    run = Run("clip-plain", module, schedule, Path(runs) / "clip-plain", resume)
    before: Rows = {}
    if resume:
        before = adopt_written(run, shipped_or_new(out, NAME), "clip", preset, _weights)
    images = torch.from_numpy(store.images[:]).to(device) if device.type == "cuda" else store.images

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        module.train()
        rows = np.sort(rng.choice(len(store), schedule.batch, replace=False))
        ids = captions[rows, rng.integers(captions.shape[1], size=len(rows))]
        shown = normalised(images[rows], side // 2 if step < options["coarse_steps"] else side).to(device)
        value = module.loss(shown, cut(torch.from_numpy(ids).long(), end).to(device))
        return value, {"scale": module.model.logit_scale.exp().item()}

    def probe() -> Mapping[str, float]:
        save_clip(module.model, run.folder / "probe", SCENES_CLIP, tokenizer)
        return clip_localisation(run.folder / "probe")

    done = run.train(loss, probe)
    with run.averaged():
        save_clip(module.model, out / NAME, SCENES_CLIP, tokenizer)
    write_card(out / NAME, "clip", preset, run, module.model, before)
    return done


def cut(ids: torch.Tensor, end: int) -> torch.Tensor:
    """Ids (n, length) that are padded with the end of text, padded with zeros, as open_clip's tokenizer does it."""
    ended = (ids == end).long().cumsum(1)
    return ids * (ended - (ids == end).long() == 0)


def end_of_text(tokenizer: Path) -> int:
    """The id of the end of text."""
    return int(open_fast_tokenizer(tokenizer).convert_tokens_to_ids(END))


def _weights(folder: Path) -> dict[str, torch.Tensor]:
    return {f"model.{name}": value for name, value in open_clip_part(folder).state_dict().items()}
