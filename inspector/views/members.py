"""Members: the arrays in a .npz file that anybody may have written, looked at by size before any is read.

numpy's own reader makes the array that a header asks for before it sees whether there is that much, hands a header to
Python's parser, and its length to the memory. A header that was written here has one form, so that form is all that is
read here: plain numbers, little-endian, packed as `numpy.savez_compressed` packs them, and texts.
"""

import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

import numpy as np

from inspector.errors import ChoiceError

LONGEST = 20_000_000  # characters of a text
MOST = 4000  # members
DIRECTORY = 8_000_000  # bytes of the list of members; a member's line has a few hundred
_HEADER = 4096  # bytes of an array's header at most; numpy writes 118 or a few more
_STEP = 1_000_000  # bytes that are inflated together
_MAGIC = {b"\x93NUMPY\x01\x00": "<H", b"\x93NUMPY\x02\x00": "<I"}  # how each version writes its header's length
_FORM = re.compile(
    r"\{'descr': '(?P<kind>[<|][biufU])(?P<size>\d{1,9})', 'fortran_order': (?P<fortran>True|False), "
    r"'shape': \((?P<shape>|\d{1,19},|\d{1,19}(?:, \d{1,19}){1,7})\), \} *\n"
)
_DTYPES = ("|b1", "|i1", "|u1", "<i2", "<u2", "<f2", "<i4", "<u4", "<f4", "<i8", "<u8", "<f8")
# What a file that is none of ours can make of the library that unpacks it.
UNREADABLE = (
    OSError, EOFError, LookupError, MemoryError, OverflowError, RuntimeError, ValueError, struct.error,
    zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Head:
    """What a member's header says. start: bytes of the header itself; letters: it holds texts, as UTF-32."""

    start: int
    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool
    letters: bool

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * self.dtype.itemsize


def check_end(file: IO[bytes]) -> None:
    """Raise ValueError unless a file ends as a zip archive of few members does: its list is read whole, as it says."""
    length = file.seek(0, 2)
    file.seek(max(0, length - 42))
    tail = file.read(42)
    end = tail[-22:]
    if len(end) < 22 or end[:4] != b"PK\5\6":
        raise ValueError("it is no archive, or was cut off")
    *_, here, count, size, _, comment = struct.unpack("<4s4H2LH", end)
    if comment or here != count or tail[:4] == b"PK\6\7":  # of archives above 4 GB
        raise ValueError("it was not packed here")
    if count > MOST or size > DIRECTORY:
        raise ValueError(f"it has {count:,} parts; at most {MOST:,} are read")
    file.seek(0)


class Members(Mapping[str, np.ndarray]):
    """name -> array of an open archive, each read when it is asked for, and no more of it than its header says."""

    def __init__(self, packed: zipfile.ZipFile, largest: int) -> None:
        """Look at every header. largest: bytes of all arrays together.

        Raises ChoiceError where they are larger, ValueError for what was not written here.
        """
        self._packed = packed
        self._infos: dict[str, zipfile.ZipInfo] = {}
        for info in packed.infolist():
            name = info.filename.removesuffix(".npy")
            if name == info.filename or name in self._infos:
                raise ValueError("a part is no array, or is there twice")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError("it was packed in another way than here")
            self._infos[name] = info
        total = sum(info.file_size for info in self._infos.values())
        if total > largest:
            raise ChoiceError(f"The file holds {_bytes(total)}; at most {_bytes(largest)} are read.")
        self._heads = {name: self._head(info) for name, info in self._infos.items()}

    def _head(self, info: zipfile.ZipInfo) -> Head:
        with self._packed.open(info) as file:
            start = file.read(8)
            width = _MAGIC.get(start, "")
            length_at = file.read(struct.calcsize(width)) if width else b""
            if not width or len(length_at) < struct.calcsize(width):
                raise ValueError("a part is no array")
            (length,) = struct.unpack(width, length_at)
            form = file.read(length).decode("latin-1") if length <= _HEADER else ""
        found = _FORM.fullmatch(form)
        if found is None:
            raise ValueError("an array has a header that was not written here")
        letters, code = found["kind"] == "<U", found["kind"] + found["size"]
        if not letters and code not in _DTYPES:
            raise ValueError(f"an array of {code}; only plain numbers are read")
        shape = tuple(int(side) for side in found["shape"].split(",") if side)
        head = Head(
            len(start) + len(length_at) + length,
            np.dtype("<u4" if letters else code),
            (*shape, int(found["size"])) if letters else shape,
            found["fortran"] == "True",
            letters,
        )
        if head.start + head.size != info.file_size:
            raise ChoiceError(
                f"An array of the file says that it has {_bytes(head.size)}, and {_bytes(info.file_size - head.start)} "
                "are there; the file was cut off, or changed since it was saved."
            )
        return head

    def __len__(self) -> int:
        return len(self._heads)

    def __iter__(self) -> Iterator[str]:
        return iter(self._heads)

    def __contains__(self, name: object) -> bool:
        return name in self._heads

    def __getitem__(self, name: str) -> np.ndarray:
        """The array. Raises ValueError where it holds texts, or has less, more or other data than it should."""
        if self._heads[name].letters:
            raise ValueError("a text where numbers are due")
        return self._read(name)

    def text(self, name: str) -> str:
        """A text. Raises ValueError where it is missing, no text, overlong, or as `__getitem__`."""
        head = self._heads.get(name)
        if head is None or not head.letters or len(head.shape) > 1 or head.size > 4 * LONGEST:
            raise ValueError(f"its text is missing, or longer than {LONGEST / 1e6:g} million characters")
        return self._read(name).tobytes().decode("utf-32-le").rstrip("\0")

    def _read(self, name: str) -> np.ndarray:
        info, head = self._infos[name], self._heads[name]
        array = np.empty(head.shape[::-1] if head.fortran else head.shape, head.dtype)
        left = array.reshape(-1).view(np.uint8).data
        with self._packed.open(info) as file:
            file.read(head.start)
            while left and (part := file.read(min(len(left), _STEP))):
                left[: len(part)] = part
                left = left[len(part) :]
            if left or file.read(1):
                raise ValueError("an array has less or more data than its header says")
        if array.dtype == bool and array.size and array.view(np.uint8).max() > 1:
            raise ValueError("truth values that are neither true nor false")
        return array.T if head.fortran else array


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 10**8 else f"{count:,} bytes"
