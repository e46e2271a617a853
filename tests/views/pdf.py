"""What lies in a PDF that matplotlib wrote: pictures, strings and what its page says."""

import io
import re
import struct
import zlib

import numpy as np
from PIL import Image

STRING = rb"\(((?:\\.|[^\\)])*)\)"


def unescaped(string: bytes) -> bytes:
    return re.sub(rb"\\(.)", lambda found: {b"n": b"\n", b"r": b"\r"}.get(found[1], found[1]), string, flags=re.DOTALL)


def pictures(packed: bytes) -> list[np.ndarray]:
    """The pictures of a PDF in its order. Their streams are those of PNG files, with a palette or without."""
    found = []
    for part in packed.split(b"/Subtype /Image")[1:]:
        about, _, rest = part.partition(b"stream\n")
        assert b"/SMask" not in about
        height, width, depth = (
            int(re.search(rb"/%b (\d+)" % name, about)[1]) for name in (b"Height", b"Width", b"BitsPerComponent")
        )
        palette = re.search(rb"/Indexed /DeviceRGB \d+\s+" + STRING, about, re.DOTALL)
        header = struct.pack(">IIBBBBB", width, height, depth, 3 if palette else 2, 0, 0, 0)
        chunks = [(b"IHDR", header), *([(b"PLTE", unescaped(palette[1]))] if palette else [])]
        chunks += [(b"IDAT", rest[: rest.index(b"\nendstream")]), (b"IEND", b"")]
        png = b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        )
        found.append(np.asarray(Image.open(io.BytesIO(png)).convert("RGB")))
    return found


def page_of(packed: bytes) -> str:
    """What a PDF's page says: its first stream."""
    return zlib.decompress(packed.partition(b"stream\n")[2].partition(b"\nendstream")[0]).decode("latin-1")
