"""The published checkpoints that can be imported: whose they are, under which licences, and what they hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from inspector.models.heads.full_odise import FullOdise, OdiseSizes
from inspector.models.heads.full_san import PUBLISHED_SAN, FullSan, SanSizes
from inspector.models.imports import ODISE, PREDICTOR, SAN, Table

FullHead = FullOdise | FullSan


@dataclass(frozen=True)
class Published:
    """A published checkpoint.

    code, weights: licences. needs: the frozen models that it was trained on. sizes, module: its classes here. left_out:
    prefix of published names -> what is under it, frozen or of use in training alone. others: prefix -> which other
    checkpoint has such names.
    """

    title: str
    source: str
    code: str
    weights: str
    needs: str
    table: Table
    sizes: type[Any]
    module: type[Any]
    left_out: Mapping[str, str]
    others: Mapping[str, str]


PUBLISHED: Mapping[str, Published] = {
    "odise": Published(
        title="ODISE trained with labels (Xu et al., CVPR 2023)",
        source="https://github.com/NVlabs/ODISE",
        code="NVIDIA Source Code License, no commercial use",
        weights="CC BY-NC-SA 4.0: attribution, no commercial use, share alike",
        needs="Stable Diffusion 1.3 (1.4 and 1.5 have its architecture) and OpenAI's CLIP ViT-L/14 at 336 px",
        table=ODISE,
        sizes=OdiseSizes,
        module=FullOdise,
        left_out={
            "backbone.feature_extractor.ldm_extractor.": "Stable Diffusion, frozen",
            "backbone.feature_extractor.clip.": "CLIP, frozen",
            "category_head.clip.": "CLIP, frozen",
            "category_head.text_embed": "embeddings of COCO's classes",
            "clip_head.": "CLIP, frozen",
            "criterion.": "weights of the training loss",
            "pixel_": "mean and deviation of pixels",
        },
        others={
            "word_head.": "ODISE trained with captions, whose classifier is another",
            f"{PREDICTOR}class_embed.": "ODISE trained with captions, whose classifier is another",
        },
    ),
    "san": Published(
        title="SAN (Xu et al., CVPR 2023)",
        source="https://github.com/MendelXu/SAN",
        code="MIT",
        weights="MIT",
        needs="OpenAI's CLIP, ViT-B/16 at 224 px or ViT-L/14 at 336 px, as the file's name says",
        table=SAN,
        sizes=SanSizes,
        module=FullSan,
        left_out={
            "clip_visual_extractor.": "CLIP's first blocks, frozen",
            "clip_rec_head.": "CLIP's last blocks, frozen",
            "ov_classifier.": "CLIP's text tower, frozen",
            "criterion.": "weights of the training loss",
            "pixel_": "mean and deviation of pixels",
        },
        others={},
    ),
}


def published_sizes(family: str, state: Mapping[str, torch.Tensor]) -> Any:
    """Sizes of the published module that a checkpoint must be of: one for ODISE; for SAN by the width of its CLIP."""
    positions = state.get(SAN["positions"][0])
    if family != "san" or positions is None:
        return PUBLISHED[family].sizes()
    return PUBLISHED_SAN.get(int(positions.shape[-1]), SanSizes())
