"""Small pictures inside a page, so that it is one file that can be sent around."""

from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from training.pictures import open_picture

SIDE_PX = 220
QUALITY = 78


def data_uri(path: Path) -> str:
    """A picture as JPEG, at most SIDE_PX high and wide, for the `src` of an `img`.

    About 6 kB. Raises BadInput if it cannot be decoded.
    """
    picture = open_picture(path)
    picture.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    picture.save(content, "JPEG", quality=QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(content.getvalue()).decode("ascii")
