"""Folders of segmenters of published layouts, of small widths and random weights, as their repositories hold them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    CLIPSegConfig,
    CLIPSegForImageSegmentation,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    SamConfig,
    SamModel,
    SwinConfig,
)

from inspector.models.tokenizer import open_tokenizer

LABELS = {0: "sky", 1: "car;auto", 2: "tree", 3: "palm, palm tree"}
STAGES = ["stage1", "stage2", "stage3", "stage4"]
SMALL_SWIN: dict[str, Any] = {
    "image_size": 64, "embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 2, 2], "window_size": 4,
    "out_features": STAGES,
}  # fmt: skip
COLOURS = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
PIXELS: dict[str, dict[str, Any]] = {  # preprocessor_config.json of the published repositories, at other sizes
    "clipseg": {"image_processor_type": "ViTImageProcessor", "do_rescale": True, "size": {"height": 64, "width": 64}},
    "maskformer": {"feature_extractor_type": "MaskFormerFeatureExtractor", "size": 64, "max_size": 160},
    "mask2former": {
        "image_processor_type": "Mask2FormerImageProcessor",
        "size": {"shortest_edge": 64, "longest_edge": 160},
    },
    "sam": {"image_processor_type": "SamImageProcessor", "size": {"longest_edge": 64}},
}


def clipseg(vocabulary: int) -> Any:
    text = {"vocab_size": vocabulary, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
            "num_attention_heads": 2, "max_position_embeddings": 16, "eos_token_id": 2}  # fmt: skip
    vision = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 4, "num_attention_heads": 2,
              "image_size": 32, "patch_size": 16}  # fmt: skip
    return CLIPSegForImageSegmentation(
        CLIPSegConfig(
            text_config=text, vision_config=vision, projection_dim=12, extract_layers=[1, 2, 3], reduce_dim=8,
            decoder_intermediate_size=16, use_complex_transposed_convolution=True,
        )
    )  # fmt: skip


def maskformer(vocabulary: int) -> Any:
    decoder = {"model_type": "detr", "d_model": 16, "encoder_layers": 1, "decoder_layers": 2, "num_queries": 5,
               "decoder_ffn_dim": 16, "encoder_ffn_dim": 16, "encoder_attention_heads": 2,
               "decoder_attention_heads": 2}  # fmt: skip
    config = MaskFormerConfig(
        fpn_feature_size=32, mask_feature_size=32, decoder_config=decoder,
        backbone_config={"model_type": "swin", **SMALL_SWIN}, id2label=LABELS, label2id={},
    )  # fmt: skip
    return MaskFormerForInstanceSegmentation(config)


def mask2former(vocabulary: int) -> Any:
    config = Mask2FormerConfig(
        feature_size=32, mask_feature_size=32, hidden_dim=32, num_attention_heads=4, encoder_layers=1,
        encoder_feedforward_dim=16, dim_feedforward=16, decoder_layers=3, num_queries=5,
        backbone_config=SwinConfig(**SMALL_SWIN), id2label=LABELS, label2id={},
    )  # fmt: skip
    return Mask2FormerForUniversalSegmentation(config)


def sam(vocabulary: int) -> Any:
    return SamModel(
        SamConfig(
            vision_config={
                "hidden_size": 16, "output_channels": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
                "image_size": 64, "patch_size": 4, "window_size": 4, "global_attn_indexes": [1], "num_pos_feats": 8,
                "mlp_dim": 16, "initializer_range": 0.3,
            },
            prompt_encoder_config={
                "hidden_size": 16, "image_size": 64, "patch_size": 4, "image_embedding_size": 16,
                "mask_input_channels": 4,
            },
            mask_decoder_config={
                "hidden_size": 16, "mlp_dim": 16, "num_attention_heads": 2, "iou_head_hidden_dim": 16,
            },
        )
    )  # fmt: skip


BUILDERS: dict[str, Callable[[int], Any]] = {
    "clipseg": clipseg, "maskformer": maskformer, "mask2former": mask2former, "sam": sam,
}  # fmt: skip


def _published_mask2former() -> Any:
    swin = SwinConfig(
        image_size=384, embed_dim=128, depths=[2, 2, 18, 2], num_heads=[4, 8, 16, 32], window_size=12,
        out_features=STAGES,
    )  # fmt: skip
    return Mask2FormerForUniversalSegmentation(Mask2FormerConfig(backbone_config=swin, num_labels=150))


# Name in the catalog -> its published configuration.
PUBLISHED: dict[str, Callable[[], Any]] = {
    "clipseg": lambda: CLIPSegForImageSegmentation(
        CLIPSegConfig(use_complex_transposed_convolution=True, vision_config={"patch_size": 16})
    ),
    "maskformer-ade": lambda: MaskFormerForInstanceSegmentation(MaskFormerConfig(num_labels=150)),
    "mask2former-ade": _published_mask2former,
    "sam-vit-base": lambda: SamModel(SamConfig()),
}
SIZES: dict[str, dict[str, Any]] = {  # the sizes that their preprocessor_config.json tells
    "clipseg": {"size": {"height": 352, "width": 352}},
    "maskformer-ade": {"size": 640, "max_size": 2560},
    "mask2former-ade": {"size": {"height": 384, "width": 384}},
    "sam-vit-base": {"size": {"longest_edge": 1024}},
}


@pytest.fixture(scope="session")
def segmenter_folders(tokenizer_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder of each family, as its repository holds it; not to be written to."""
    found = {}
    for family, build in BUILDERS.items():
        torch.manual_seed(0)
        folder = tmp_path_factory.mktemp(family)
        build(open_tokenizer(tokenizer_folder).vocab_size).eval().save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(PIXELS[family] | COLOURS))
        if family == "clipseg":
            shutil.copytree(tokenizer_folder, folder, dirs_exist_ok=True)
        found[family] = folder
    return found
