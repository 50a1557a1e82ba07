"""Resize and crop: the part of an image that a model sees, and in how many pixels."""

from PIL import Image

from ..errors import UserError

MAX_SIDE = 4096  # no model asks for more; a config that does would only fill the memory
MAX_PIXELS = MAX_SIDE**2  # of an image on its way; a very long one exceeds it when its short side is stretched


def resized(image: Image.Image, size: int | tuple[int, int], resample: str, *, cover: bool) -> Image.Image:
    """The image with the shorter side `size`; or of `size` (height, width), whatever its proportions; or in its own,
    just large enough to cover that, as timm does.

    Raises:
        UserError: it would be very large on its way.
    """
    if not isinstance(size, tuple):
        shorter = min(image.size)
        width, height = (int(size * side / shorter) for side in image.size)
    elif cover:
        ratio = min(image.height / size[0], image.width / size[1])
        height, width = round(image.height / ratio), round(image.width / ratio)
    else:
        height, width = size
    # Pillow resizes rows, then columns: in between, the old height remains; and a filter is as long as an old side.
    if max(width * height, width * image.height, image.width * height) > MAX_PIXELS:
        raise UserError(
            f"an image of {in_words(image)} is too long to be resized to {height} x {width}: use a part of it"
        )
    return image.resize((width, height), Image.Resampling[resample.upper()])


def center_cropped(image: Image.Image, size: tuple[int, int], rounding: str) -> Image.Image:
    """The middle of `size` (height, width); where it begins half a pixel off: rounded "down", or to an "even" one."""
    height, width = size
    spare = image.width - width, image.height - height
    left, top = (round(pixels / 2) if rounding == "even" else pixels // 2 for pixels in spare)
    return image.crop((left, top, left + width, top + height))


def in_words(image: Image.Image) -> str:
    """Its size for people."""
    return f"{image.height} x {image.width} pixels"
