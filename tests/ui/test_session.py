"""The store: bounded, thread-safe by a lock, keyed by what was asked."""

from dataclasses import replace

import numpy as np
import pytest

from inspector.errors import InputError
from inspector.ui.session import Store, byte_size, fingerprint
from tests.views import samples


def test_a_whole_number_is_the_same_however_it_is_written() -> None:
    assert fingerprint((0, 1.0, 2.5)) == fingerprint((0.0, 1, 2.5))
    assert fingerprint((0, 1.0)) != fingerprint((False, 1.0))


def test_the_oldest_goes_first_and_use_keeps_young() -> None:
    store = Store(count=2)
    results = [samples.saliency(), samples.clusters(), samples.segmentation()]
    keys = [store.put(result) for result in results[:2]]
    assert store.get(keys[0]) is results[0]
    keys.append(store.put(results[2]))
    assert [store.has(key) for key in keys] == [True, False, True]
    with pytest.raises(InputError, match=r"no longer kept; press Run"):
        store.get(keys[1])


def test_room_is_counted_in_bytes_and_the_newest_always_fits() -> None:
    size = byte_size(samples.saliency())
    assert size > samples.image().nbytes
    store = Store(size=size - 1)
    first = store.put(samples.saliency())
    assert store.has(first)
    second = store.put(samples.clusters())
    assert not store.has(first)
    assert store.has(second)


def test_a_request_is_found_by_what_it_says() -> None:
    store, result = Store(), samples.saliency()
    key = store.put(result)
    assert store.find(samples.saliency().request) == key
    assert store.find(replace(result.request, template="{}")) == ""


def test_a_result_from_a_file_answers_no_request() -> None:
    store, result = Store(), samples.saliency()
    key = store.put_aside(result)
    assert store.get(key) is result
    assert store.find(result.request) == ""
    assert store.put_aside(samples.saliency()) == key
    assert store.put_aside(replace(result, grid_signed=result.grid_signed + 1)) != key


def test_nobody_drives_out_the_examples_nor_with_files_the_answers() -> None:
    store = Store(count=1, aside=1)
    pinned, kept = store.pin(samples.saliency()), store.put(samples.clusters())
    for value in range(3):
        aside = store.put_aside(replace(samples.attention(), truncated=str(value)))
    assert store.get(aside).truncated == "2"
    assert store.has(pinned)
    assert store.has(kept)
    store.put(samples.segmentation())
    assert store.find(samples.saliency().request) == pinned
    assert not store.has(kept)


@pytest.mark.parametrize(
    "change",
    [
        {"classes": "car"},
        {"classes": "car, building, house"},
        {"background": ()},
        {"image": samples.image()[:, ::-1]},
        {"masks": {}},
        {"masks": {"car": ~samples.left_half()}},
        {"threshold": 0.5},
    ],
)
def test_every_field_counts(change: dict) -> None:
    request = samples.saliency().request
    assert fingerprint(replace(request, **change)) != fingerprint(request)


def test_the_order_of_masks_does_not_count() -> None:
    masks = {"a": samples.left_half(), "b": ~samples.left_half()}
    request = samples.saliency().request
    turned = dict(reversed(masks.items()))
    assert fingerprint(replace(request, masks=masks)) == fingerprint(replace(request, masks=turned))


def test_arrays_of_equal_bytes_and_other_shape_differ() -> None:
    request = samples.saliency().request
    tall = replace(request, image=np.zeros((64, 32, 3), np.uint8), masks={})
    wide = replace(request, image=np.zeros((32, 64, 3), np.uint8), masks={})
    assert fingerprint(tall) != fingerprint(wide)
