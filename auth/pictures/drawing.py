"""Makes of whatever somebody sends a small square picture that holds nothing but its pixels."""

from io import BytesIO
from typing import Final

from PIL import Image, ImageOps, UnidentifiedImageError

from core.errors import Invalid

SIDE: Final = 256
# A file of a few bytes may claim to be as large as a wall.
MOST_PIXELS: Final = 40_000_000
FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF")
MEDIA_TYPE: Final = "image/webp"


def draw(content: bytes) -> bytes:
    """The middle of the picture, SIDE by SIDE pixels, as WebP, turned as its camera says. What else the file
    held (place, camera, comments, other frames) is not in it.

    Raises core.errors.Invalid for what is no picture of FORMATS, is broken, or is too large.
    """
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as opened:
            width, height = opened.size
            if width * height > MOST_PIXELS:
                raise _refusal(f"The picture has more than {MOST_PIXELS // 1_000_000} million pixels.")
            # A JPEG need not be read at its full size.
            opened.draft("RGB", (2 * SIDE, 2 * SIDE))
            turned = ImageOps.exif_transpose(opened)
            fitted = ImageOps.fit(turned.convert("RGBA"), (SIDE, SIDE), Image.Resampling.LANCZOS)
    except UnidentifiedImageError as error:
        raise _refusal("This is no PNG, JPEG, WebP or GIF picture.") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        # What the decoders raise for files that are cut off or made up.
        raise _refusal("The picture cannot be read.") from error
    pixels = Image.new("RGBA", fitted.size)
    pixels.paste(fitted)
    out = BytesIO()
    pixels.save(out, "WEBP", quality=85)
    return out.getvalue()


def _refusal(message: str) -> Invalid:
    return Invalid(message, fields=[("image", message)])
