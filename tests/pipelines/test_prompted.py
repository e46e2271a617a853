"""A mask of a point or a box, through the store and the lock, with the picture read once."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from inspector.models.protocols import PictureEmbedding
from inspector.pipelines import common, prompted
from inspector.results import Progress, PromptedRequest
from inspector.world import scene

SIZE = (32, 48)


class Fake:
    """Answers with the half of the picture in which the first point lies, or the box itself; counts what it reads."""

    spec = SimpleNamespace(name="fake-sam", origin="local", told="")
    revision, device, dtype = "abc", "cpu", "torch.float32"

    def __init__(self) -> None:
        self.read = 0
        self.locked: list[bool] = []

    def embed(self, image: np.ndarray) -> PictureEmbedding:
        self.read += 1
        self.locked.append(common.INFERENCE_LOCK._is_owned())  # type: ignore[attr-defined]
        return PictureEmbedding(np.array(self.read), image.shape[:2])  # type: ignore[arg-type]

    def ask(self, embedding: Any, points: Any, labels: Any, box: Any) -> tuple[np.ndarray, np.ndarray]:
        mask = np.zeros((1, *embedding.size), bool)
        if box is None:
            assert len(points) == len(labels)
            half = embedding.size[1] // 2
            mask[0, :, half:] = points[0][1] >= half
            mask[0, :, :half] = points[0][1] < half
        else:
            mask[0, int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = True
        return np.concatenate([mask, ~mask]), np.array([0.75, 0.5], np.float32)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    model = Fake()
    monkeypatch.setattr(prompted, "load_promptable", lambda name, report=None: model)
    monkeypatch.setattr(prompted, "EMBEDDINGS", prompted.Embeddings(2))
    return model


def picture(value: int) -> np.ndarray:
    return np.full((*SIZE, 3), value, np.uint8)


def test_the_surest_mask_comes_after_progress_and_says_where_it_is_from(fake: Fake) -> None:
    *before, result = prompted.stream(PromptedRequest(picture(0), points=((3, 40),)))
    assert all(isinstance(item, Progress) for item in before)
    assert result.mask.mean() == 0.5
    assert result.mask[:, 24:].all()
    assert result.sure == 0.75
    assert result.provenance.models == {"fake-sam": "abc"}
    box = prompted.run(PromptedRequest(picture(0), box_xyxy=(0, 0, 12, 16)))
    assert box.mask.mean() == 0.125
    assert fake.locked == [True]


def test_a_picture_is_read_once_however_often_it_is_clicked(fake: Fake) -> None:
    for value, read in ((0, 1), (0, 1), (1, 2), (0, 2), (2, 3), (0, 3), (1, 4)):
        prompted.run(PromptedRequest(picture(value), points=((3, 4),)))
        assert fake.read == read
    fake.revision = "other weights"
    prompted.run(PromptedRequest(picture(1), points=((3, 4),)))
    assert fake.read == 5
    turned = picture(1).reshape(SIZE[1], SIZE[0], 3)  # the same bytes
    assert prompted.run(PromptedRequest(turned, points=((3, 4),))).mask.shape == (48, 32)


def test_the_embedded_model_finds_things_of_drawn_scenes_and_says_what_it_knows() -> None:
    reached = []
    for seed in range(505_500, 505_506):
        drawn = scene(seed)
        for instance in drawn.instances:
            rows, columns = np.nonzero(instance.mask)
            box = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            found = prompted.run(PromptedRequest(drawn.image, box_xyxy=box, scene=seed))
            reached.append((found.mask & instance.mask).sum() / (found.mask | instance.mask).sum())
            assert not found.provenance.warning
            assert found.provenance.told == {"scenes-sam": "trained on the drawn scenes' own masks"}
    assert np.mean(reached) > 0.5
    unknown = prompted.run(PromptedRequest(picture(9), points=((3, 4),)))
    assert "Scenes SAM (embedded) knows drawn scenes alone" in unknown.provenance.warning
