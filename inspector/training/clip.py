"""Train scenes-clip: an open_clip CLIP whose localisation is learned from captions alone.

Retrieval alone leaves what a small transformer knows of a thing in background patches (LOG.md), so three
losses are added up, none of which sees a mask:

1. contrastive (Radford et al. 2021) on the class token and, at half weight, on the mean of the patches;
2. word presence: which of the world's words a full caption names, by a sigmoid (as Zhai et al. 2023) on the
   similarity of class token and of patch mean to each word's prompt;
3. word presence once more from single patches, each of which chooses one word by a softmax, pooled by
   normalised global weighted pooling with a size penalty (Araslanov and Roth 2020, eq. 3 to 5). A patch is read
   from its value in the last block, twice: in its own place, as MaskCLIP reads it, and in the class token's, as if
   that token attended to this patch alone, which is what Grad-CAM of the class token linearises.

Most of what there is to learn is learned on half-size pictures, whose 8 x 8 grid costs a fraction (Li et al. 2023,
"An inverse scaling law for CLIP training"); then the grid is 16 x 16 with some patches dropped.
"""

import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from inspector import world
from inspector.analysis import last_block
from inspector.models.clip import SCENES_CLIP, TOKENIZER_FILES, build_clip, save_clip
from inspector.models.parts import PIXEL_MEAN, PIXEL_STD, open_clip_part
from inspector.models.tokenizer import common_words, learn_merges, open_tokenizer, write_tokenizer
from inspector.training.cards import write_card, written_run
from inspector.training.data import SceneStore, scene_store
from inspector.training.loop import Run, Schedule, half
from inspector.training.probes import clip_localisation

PRESETS: dict[str, dict] = {
    "cpu": {
        "scenes": 40_000,
        "coarse_steps": 3_000,
        "text_steps": 1_300,  # then the text tower is frozen, so that scenes-diffusion can start on it
        "schedule": Schedule(steps=6_000, learning_rate=8e-4, batch=96, average=0.998, weight_decay=0.05),
    },
    "gpu": {
        "scenes": 100_000,
        "coarse_steps": 8_000,
        "text_steps": 8_000,
        "schedule": Schedule(
            steps=20_000, learning_rate=8e-4, batch=256, average=0.999, weight_decay=0.05, slice_minutes=8
        ),
    },
}
PATCH_DROPOUT = 0.6
TEXT_TOWER = tuple(
    f"model.{part}"
    for part in ("token_embedding", "positional_embedding", "transformer", "ln_final", "text_projection")
)
TEMPLATES = ("a photo of {}.", "a photo of a {}.", "{}", "a {}", "a picture of {}")


class ImageTower(nn.Module):
    """The image tower of an open_clip CLIP as both recipes train it: on two grids, some patches dropped."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model: Any = model  # open_clip's CLIP

    def before_last(self, pixels: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w) -> tokens (b, 1 + n, width) before the last block.

        Pictures of half the model's side give half the grid, whole; others lose some of their patches in training.
        """
        visual = self.model.visual
        patches = visual.conv1(pixels)  # (b, width, gh, gw)
        coarse = patches.shape[2] < visual.grid_size[0]
        patches = patches.flatten(2).transpose(1, 2)
        start = visual.class_embedding.to(patches.dtype).expand(len(patches), 1, -1)
        tokens = torch.cat([start, patches], 1) + self.positions(coarse)
        tokens = visual.ln_pre(tokens if coarse else visual.patch_dropout(tokens))
        for block in visual.transformer.resblocks[:-1]:
            tokens = block(tokens)
        return tokens

    def embed(self, tokens: torch.Tensor) -> torch.Tensor:
        """The last block's output (b, n, width) -> (b, n, d)."""
        visual = self.model.visual
        return visual.ln_post(tokens) @ visual.proj

    def positions(self, coarse: bool) -> torch.Tensor:
        """Position embeddings (1 + patches, width); those of a coarse grid are the means of 2 x 2."""
        own = self.model.visual.positional_embedding
        if not coarse:
            return own
        grid = own[1:].T.reshape(1, -1, *self.model.visual.grid_size)  # (1, width, gh, gw)
        return torch.cat([own[:1], F.avg_pool2d(grid, 2)[0].flatten(1).T])


class ClipTraining(ImageTower):
    """The model and the scales and biases of its presence losses, which are not shipped."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model)
        self.presence = nn.ParameterDict(
            {name: nn.Parameter(torch.tensor([2.0, -2.0])) for name in ("class", "mean", "patch", "read")}
        )

    def images(self, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        """(b, 3, h, w) -> unnormalised embeddings.

        "class" (b, d); "mean" (b, d), of the patches; "patch" and "read" (b, n, d), a patch's value alone in its own
        place and in the class token's.
        """
        last, tokens = self.model.visual.transformer.resblocks[-1], self.before_last(pixels)
        embedded = self.embed(last(tokens))
        projected = last_block.project(last, last.ln_1(tokens))
        value = last_block.split_heads(last, projected)[2][:, :, 1:]  # (b, head, n, head_dim)
        value = last_block.merge_heads(last, value)
        return {
            "class": embedded[:, 0],
            "mean": embedded[:, 1:].mean(1),
            "patch": self.embed(last_block.finish(last, tokens[:, 1:], value)),
            "read": self.embed(last_block.finish(last, tokens[:, :1], value)),
        }

    def losses(
        self,
        pixels: torch.Tensor,
        captions: torch.Tensor,
        prompts: torch.Tensor,
        presence: torch.Tensor,
        same: torch.Tensor,
    ) -> dict[str, torch.Tensor]:
        """The named losses of one batch.

        captions: ids (b, length); prompts: ids (word, length); presence: float (b, word);
        same: bool (b, b), captions with equal text, which are all counted as right. The towers run in bfloat16, the
        similarities do not: a logit of 64 would be rounded to a half.
        """
        with half(pixels.device):
            found = self.images(pixels)
            encoded = self.model.encode_text(torch.cat([captions, prompts]))
        images = {name: F.normalize(embedded.float(), dim=-1) for name, embedded in found.items()}
        texts = F.normalize(encoded.float(), dim=-1)
        captions_z, words_z = texts[: len(captions)], texts[len(captions) :]
        scale = self.model.logit_scale.exp().clamp(max=100)
        return {
            "contrast": contrast(scale * images["class"] @ captions_z.T, same),
            "contrast_mean": contrast(scale * images["mean"] @ captions_z.T, same),
            "word": self.sigmoid_loss("class", images["class"] @ words_z.T, presence),
            "word_mean": self.sigmoid_loss("mean", images["mean"] @ words_z.T, presence),
            "word_patch": self.patch_loss("patch", images["patch"] @ words_z.T, presence),
            "word_read": self.patch_loss("read", images["read"] @ words_z.T, presence),
        }

    def sigmoid_loss(self, name: str, similarity: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
        """Binary cross-entropy of scaled similarities (b, word)."""
        log_scale, bias = self.presence[name]
        return F.binary_cross_entropy_with_logits(similarity * log_scale.exp() * 3 + bias, presence)

    def patch_loss(self, name: str, similarity: torch.Tensor, presence: torch.Tensor) -> torch.Tensor:
        """Presence loss of patch similarities (b, n, word), each patch choosing one word."""
        log_scale, bias = self.presence[name]
        logits = similarity * log_scale.exp() * 3
        masks = logits.softmax(-1)
        pooled = (masks * logits).sum(1) / (1e-3 + masks.sum(1))
        area = masks.mean(1)
        size_penalty = (1 - area) ** 3 * torch.log(0.01 + area)
        return F.binary_cross_entropy_with_logits(pooled + bias + size_penalty, presence)


WEIGHTS = {"contrast": 1.0, "contrast_mean": 0.5, "word": 4.0, "word_mean": 4.0, "word_patch": 6.0, "word_read": 6.0}


def contrast(logits: torch.Tensor, same: torch.Tensor) -> torch.Tensor:
    """Symmetric InfoNCE of (b, b) logits; equal captions share the target."""
    target = same.float() / same.sum(1, keepdim=True)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def train(preset: str = "cpu", resume: bool = False, runs: Path = Path("runs"), out: Path | None = None) -> bool:
    """Train scenes-clip and write it to `out`/scenes-clip; True when the last step is done."""
    options = PRESETS[preset]
    out = out or Path(runs) / "models"
    config = SCENES_CLIP
    store = scene_store(runs, options["scenes"], config["vision_cfg"]["image_size"])
    folder = Path(runs) / "clip"
    tokenizer_folder = folder / "tokenizer"
    length = config["text_cfg"]["context_length"]
    written = out / "scenes-clip"
    adopted = resume and not (folder / "checkpoint.pt").exists()
    step, seconds = written_run(written, "clip") if adopted else (0, 0.0)
    if step and not tokenizer_folder.exists():
        tokenizer_folder.mkdir(parents=True)
        for name in TOKENIZER_FILES:
            shutil.copyfile(written / name, tokenizer_folder / name)
    elif not tokenizer_folder.exists():
        words = Counter(common_words()) + caption_words(store)
        merges = config["text_cfg"]["vocab_size"] - 514  # two symbols a byte, start and end of text
        write_tokenizer(tokenizer_folder, learn_merges(words, merges), length)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    module = ClipTraining(build_clip(with_patch_dropout(config))).to(device)
    run = Run("clip", module, options["schedule"], folder, resume)
    if step:
        weights = {f"model.{name}": value for name, value in open_clip_part(written).state_dict().items()}
        run.adopt(weights, step, seconds)
    batches = Batches(store, open_tokenizer(tokenizer_folder), options["schedule"].batch, device, config)

    def loss(step: int, rng: np.random.Generator) -> tuple[torch.Tensor, Mapping[str, float]]:
        module.train()
        if step >= options["text_steps"]:
            run.freeze(TEXT_TOWER)
        # On a CPU the flash kernel's backward pass makes a step a fifth slower than plain attention.
        with sdpa_kernel(SDPBackend.MATH) if device.type == "cpu" else nullcontext():
            parts = module.losses(**batches.draw(rng, coarse=step < options["coarse_steps"]))
        total = sum((WEIGHTS[name] * part for name, part in parts.items()), torch.zeros((), device=device))
        return total, {name: float(part.detach()) for name, part in parts.items()}

    def probe() -> Mapping[str, float]:
        save_clip(module.model, run.folder / "probe", config, tokenizer_folder)
        return clip_localisation(run.folder / "probe")

    done = run.train(loss, probe)
    with run.averaged():
        save_clip(module.model, written, config, tokenizer_folder)
    write_card(written, "clip", preset, run, module.model)
    return done


def caption_words(store: SceneStore, per_scene: int = 2, scenes: int = 4_000) -> Counter[str]:
    """How often each word stands in fresh captions: what the tokenizer's merges are learned on."""
    rng = np.random.default_rng(0)
    counts: Counter[str] = Counter()
    for row in range(min(scenes, len(store))):
        for _ in range(per_scene):
            counts.update(store.caption(row, rng).text.lower().replace(",", " ").replace(".", " ").split())
    return counts


class Batches:
    """Random batches of pictures, captions and word prompts on the training device."""

    def __init__(self, store: SceneStore, tokenizer: Any, batch: int, device: torch.device, config: Mapping) -> None:
        self.store, self.tokenizer, self.batch, self.device = store, tokenizer, batch, device
        self.side = config["vision_cfg"]["image_size"]

    def draw(self, rng: np.random.Generator, coarse: bool) -> dict[str, torch.Tensor]:
        """Arguments of ClipTraining.losses; coarse: pictures of half the model's side."""
        rows = np.sort(rng.choice(len(self.store), self.batch, replace=False))
        captions = [self.store.caption(row, rng).text for row in rows]
        prompts = [word_prompt(word, rng) for word in world.CLASSES]
        same = np.array([[one == other for other in captions] for one in captions])
        ids = self.tokenizer(captions + prompts)
        return {
            "pixels": normalised(self.store.images[rows], self.side // 2 if coarse else self.side).to(self.device),
            "captions": ids[: self.batch].to(self.device),
            "prompts": ids[self.batch :].to(self.device),
            "presence": torch.from_numpy(self.store.presence(rows)).float().to(self.device),
            "same": torch.from_numpy(same).to(self.device),
        }


def word_prompt(word: str, rng: np.random.Generator) -> str:
    """A world word in a random template, in the plural one time in four."""
    name = world.PLURALS.get(word, word) if rng.random() < 0.25 else word
    return TEMPLATES[int(rng.integers(len(TEMPLATES)))].format(name)


def with_patch_dropout(config: Mapping, share: float = PATCH_DROPOUT) -> dict:
    """The configuration with a share of the patches dropped in training."""
    return {**config, "vision_cfg": {**config["vision_cfg"], "patch_dropout": share}}


def normalised(images: np.ndarray | torch.Tensor, side: int) -> torch.Tensor:
    """uint8 (n, h, w, 3) -> (n, 3, side, side), CLIP's mean and deviation; halved by averaging, doubled bilinearly.

    A tensor's pictures stay on its device.
    """
    drawn = images if isinstance(images, torch.Tensor) else torch.from_numpy(np.ascontiguousarray(images))
    mean, deviation = (torch.tensor(value, device=drawn.device).view(1, 3, 1, 1) for value in (PIXEL_MEAN, PIXEL_STD))
    pixels = (drawn.permute(0, 3, 1, 2).float() / 255 - mean) / deviation
    if pixels.shape[-1] == side:
        return pixels
    if pixels.shape[-1] > side:
        return F.interpolate(pixels, size=(side, side), mode="area")
    return F.interpolate(pixels, size=(side, side), mode="bilinear")
