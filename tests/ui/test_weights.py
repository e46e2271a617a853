"""The weights of CLIP's opinion on the page: what the viewer shows is what is saved, and needs no model again."""

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.pipelines import segmentation as pipeline
from inspector.ui import segmentation
from tests.views import samples


def test_files_are_of_the_weights_that_the_viewer_shows() -> None:
    result = samples.segmented_by_proposals()
    shown = segmentation.as_shown(result, {"weights": [1, 0.1]})
    assert (shown.labels != result.labels).any()
    np.testing.assert_array_equal(shown.labels, pipeline.reweighed(result, 1, 0.1).labels)
    for state in ({}, {"weights": None}, {"weights": [1]}, {"weights": "both"}):
        assert segmentation.as_shown(result, state) is result
    assert segmentation.as_shown(samples.segmentation(), {"weights": [1, 0.1]}).proposals is None
    with pytest.raises(InputError, match="seen_weight is 7"):
        segmentation.as_shown(result, {"weights": [7, 0.1]})
