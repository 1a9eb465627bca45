"""A picture, drawn again: nothing of its file is left but what is seen.

This runs in a child alone: what decodes pictures has been attacked by pictures.
"""

from __future__ import annotations

import io
import warnings

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

FORMATS = tuple(
    plugin.format
    for plugin in (
        PngImagePlugin.PngImageFile, JpegImagePlugin.JpegImageFile, GifImagePlugin.GifImageFile,
        WebPImagePlugin.WebPImageFile, BmpImagePlugin.BmpImageFile,
    )
)  # fmt: skip
MAX_PIXELS = 50_000_000
"""The most pixels that a picture may declare."""
MAX_SIDE = 1_024
"""The most pixels of a side of the picture that is shown."""
MAX_SIDE_OF_PAGE = 4_000
"""The same of the picture of a page, which is long, and whose text is to be read."""


class NoPictureError(Exception):
    """The bytes cannot be shown as a picture; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def redraw(content: bytes, max_side: int = MAX_SIDE) -> bytes:
    """Return the first frame of the picture as a PNG of at most `max_side` each way.

    Raises:
        NoPictureError: if it is not a picture of a known format, or has too many pixels.
        MemoryError: as the process's limit demands.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(io.BytesIO(content), formats=FORMATS) as image:
                return _drawn(image, max_side)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise NoPictureError("large") from error
        except MemoryError:
            raise
        except Exception as error:
            # Its decoders raise whatever a damaged file leads them to.
            raise NoPictureError("picture") from error


def _drawn(image: Image.Image, max_side: int) -> bytes:
    image.draft("RGB", (max_side, max_side))
    image.thumbnail((max_side, max_side))
    turned = ImageOps.exif_transpose(image)
    has_alpha = "A" in turned.getbands() or "transparency" in turned.info
    clean = turned.convert("RGBA" if has_alpha else "RGB")
    clean.info = {}
    made = io.BytesIO()
    clean.save(made, "PNG")
    return made.getvalue()
