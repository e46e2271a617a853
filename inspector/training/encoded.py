"""What frozen encoders make of the store's pictures, encoded once and kept."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

AT_ONCE = 256  # pictures that are encoded together when all are


class EncodedPictures:
    """What a frozen encoder makes of pictures, encoded on first use and kept on disk in half precision.

    encode: uint8 (n, h, w, 3) -> tensor (n, *shape).
    """

    def __init__(
        self,
        images: np.ndarray,
        encode: Callable[[np.ndarray], torch.Tensor],
        path: Path,
        shape: tuple[int, ...],
        device: torch.device,
    ) -> None:
        self.images, self.encode, self.device = images, encode, device
        self.kept: torch.Tensor | None = None
        mode = "r+" if path.exists() else "w+"
        self.values = np.lib.format.open_memmap(path, mode, np.float16, (len(images), *shape))

    @torch.no_grad()
    def take(self, rows: np.ndarray) -> torch.Tensor:
        """float32 (row, *shape). A row that is all zeros has not been encoded yet."""
        if self.kept is not None:
            return self.kept[torch.from_numpy(rows).to(self.device)].float()
        values = self.values[rows]
        bits = values.view(np.int16)  # numpy reads half precision slowly
        missing = ~bits.any(tuple(range(1, values.ndim)))
        if missing.any():
            values[missing] = self.encode(self.images[rows[missing]]).cpu().numpy()
            self.values[rows] = values
        return torch.from_numpy(values).to(self.device).float()

    def keep(self) -> None:
        """Encode all pictures now and keep what came of them on the device, so that `take` reads no file."""
        for rows in np.array_split(np.arange(len(self.images)), -(-len(self.images) // AT_ONCE)):
            self.take(rows)
        self.kept = torch.from_numpy(self.values[:]).to(self.device)
