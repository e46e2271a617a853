"""Names of models that files change: what is written is what is read, and a label takes no name apart."""

import pytest

from inspector.results import ModelName, is_label, label_of, read_model_name


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("scenes-diffusion", ModelName("scenes-diffusion")),
        ("local:a+b", ModelName("local:a+b")),
        ("sdxl+a style@-0.5", ModelName("sdxl", "a style", -0.5)),
        ("sdxl+style@1e-05", ModelName("sdxl", "style", 1e-05)),
        ("sdxl+cat=<cat>", ModelName("sdxl", embeddings=(("cat", "<cat>"),))),
        ("local:x+style@0.8+cat=<cat>+b=dog", ModelName("local:x", "style", 0.8, (("cat", "<cat>"), ("b", "dog")))),
    ],
)
def test_a_name_is_read_as_it_is_written(text: str, parts: ModelName) -> None:
    assert read_model_name(text) == parts
    assert str(parts) == text
    assert parts.changed == (parts != ModelName(text))


@pytest.mark.parametrize("text", ["", "+style@1", "sdxl+style@", "sdxl+style@1.2.3", "sdxl+@1", "sdxl+cat="])
def test_what_is_no_such_name_is_a_models_own(text: str) -> None:
    assert read_model_name(text) == ModelName(text)


def test_a_label_takes_no_name_apart() -> None:
    label = label_of("a+b@2=c,d")
    assert label == "a-b-2-c-d"
    assert is_label(label)
    assert not is_label("")
    assert read_model_name(str(ModelName("m", label, 0.5))).lora == label
