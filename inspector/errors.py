"""The exceptions of the inspector; every message says what is wrong and what to do about it.

InspectorError
├── InputError            what a user typed or uploaded
│   ├── ImageError        not an image, empty, too small, too large
│   ├── PromptError       empty, too long, a word that is not in it
│   ├── ClassesError      none, too many, too long
│   ├── ChoiceError       a number out of range, an unknown name (lists the valid ones)
│   ├── ShareError        the visitor's share of a public host is used up (says until when)
│   └── BusyError         too many runs are waiting, or the visitor has as many as one may (says until when)
├── ModelError            a model that cannot be had
│   ├── UnknownModelError     not in the catalog (lists the names)
│   ├── ModelFilesError       missing or unusable files in a folder
│   ├── ModelFetchError       no network, offline, gated, not found
│   ├── ModelMemoryError      too little memory for it
│   └── UnsupportedModelError an architecture this part cannot read
├── RecordingError        a forward pass that cannot be recorded
│   └── NotFiniteError    values that are no numbers (says of which model, in which part, at which step)
└── Cancelled             somebody pressed Stop
"""


class InspectorError(Exception):
    """Base of all errors raised on purpose; its text is one sentence fit for a user."""

    def __str__(self) -> str:
        """The sentence; half a surrogate pair becomes its escape, since it can be neither printed nor sent as JSON."""
        return super().__str__().encode("utf-8", "backslashreplace").decode("utf-8")


class InputError(InspectorError):
    """Bad input: exit code 2 on the command line, a message on the page."""


class ImageError(InputError):
    """The picture cannot be used."""


class PromptError(InputError):
    """The prompt, or a word asked for in it, cannot be used."""


class ClassesError(InputError):
    """The class list cannot be used."""


class ChoiceError(InputError):
    """A number out of range or a name that does not exist."""


class ShareError(InputError):
    """A visitor of a public host used up their share of its computing for now."""


class BusyError(InputError):
    """No more runs are let in, or none of this visitor's."""


class ModelError(InspectorError):
    """A model cannot be loaded or used."""


class UnknownModelError(ModelError, InputError):
    """No such name in the catalog and no such folder."""


class ModelFilesError(ModelError):
    """A folder lacks a file, or a file lacks weights, or is not safetensors."""


class ModelFetchError(ModelError):
    """The files could not be fetched: no network, offline, gated, or gone."""


class ModelMemoryError(ModelError):
    """The machine has too little memory for the model."""


class UnsupportedModelError(ModelError, InputError):
    """The model loads, but this part of the inspector cannot read its architecture."""


class RecordingError(InspectorError):
    """A forward pass could not be recorded."""


class NotFiniteError(RecordingError, ValueError):
    """Values that are no numbers, or infinite, where a map, a picture or a score was to be made of them."""

    @classmethod
    def of(cls, model: str, part: str) -> "NotFiniteError":
        """model: its name; part: the layer or part, with the step where there are several."""
        return cls(
            f"{model} gives values that are no numbers (NaN or infinity) in {part}; its weights may be damaged, or "
            "half precision may be too narrow for it, which INSPECTOR_DTYPE=float32 avoids."
        )


class Cancelled(InspectorError):
    """The run was stopped on request."""
