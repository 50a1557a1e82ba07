"""Data augmentation of batches: random erasing, and mixup and CutMix with their labels.

Who may see only a part of each image, or two in one, cannot rely on a single detail. A mixture of a cat and a dog is
labelled as one: the target is a distribution, 70 % cat and 30 % dog, which `cross_entropy_forward` takes as it is.
"""

import numpy as np

from ..errors import UserError
from .boxes import box_around, box_inside


def random_erasing(
    image: np.ndarray,
    rng: np.random.Generator,
    *,
    probability: float,
    area: tuple[float, float] = (0.02, 0.33),
    ratio: tuple[float, float] = (0.3, 3.3),
) -> np.ndarray:
    """Put noise in the place of a random box, or leave the image as it is.

    The noise is standard normal: what normalised pixels are like, with nothing to be seen in it.

    Args:
        image: floats (C, H, W), normalised.
        rng: this image's own generator.
        probability: how often a box is erased, 0..1.
        area: least and largest share of the image's area.
        ratio: least and largest width / height of the box.

    Returns:
        A new array of the same shape and dtype.

    Raises:
        UserError: the image has another shape or dtype, or an option is out of its range.

    Source: Zhong et al. 2017, arXiv:1708.04896; the ratio drawn as in `box_inside`.
    """
    if image.ndim != 3 or image.dtype.kind != "f":
        raise UserError(
            f"an image to erase from must be floats (C, H, W), got {image.dtype} {image.shape}: normalise it first"
        )
    if not 0 <= probability <= 1:
        raise UserError(f"the probability of erasing must lie in 0..1, got {probability}: choose one, such as 0.25")
    C, H, W = image.shape
    box = box_inside(H, W, rng, area=area, ratio=ratio)
    erased = image.copy()
    if box and rng.random() < probability:
        noise = rng.standard_normal((C, box.bottom - box.top, box.right - box.left))
        erased[:, box.top : box.bottom, box.left : box.right] = noise
    return erased


def mixup(
    images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, *, alpha: float, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Lay another image of the batch over each, both half transparent, and mix their labels alike.

        x = λ images + (1 - λ) images[partner],   λ ~ Beta(alpha, alpha), one for the batch

    Args:
        images: floats (B, C, H, W), normalised.
        labels: integers (B,), or, of several classes for each image, booleans (B, K).
        rng: this batch's generator.
        alpha: above 0; small ones make λ nearly 0 or 1, 1 makes it uniform.
        num_classes: K.

    Returns:
        New images (B, C, H, W) and targets (B, K), both of the images' dtype.

    Raises:
        UserError: images or labels have another shape or dtype, a label is not below K, or alpha is not above 0.

    Source: Zhang et al. 2018, arXiv:1710.09412.
    """
    onehot = _onehot(images, labels, num_classes)
    lam, partner = _share(rng, alpha), rng.permutation(len(images))
    return _sum(images, partner, lam), _sum(onehot, partner, lam)


def cutmix(
    images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, *, alpha: float, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Paste a box out of another image of the batch into each, and mix their labels by area.

    λ ~ Beta(alpha, alpha) asks for a box of the area (1 - λ) H W. The border may cut it, so the labels are mixed by
    the share that the image really keeps: λ = 1 - area / (H W). Box and λ are the same for the batch.

    Args, Returns, Raises:
        as those of `mixup`.

    Source: Yun et al. 2019, arXiv:1905.04899.
    """
    onehot = _onehot(images, labels, num_classes)
    lam, partner = _share(rng, alpha), rng.permutation(len(images))
    H, W = images.shape[2:]
    top, left, bottom, right = box_around(H, W, rng, area=1.0 - lam)
    pasted = images.copy()
    pasted[:, :, top:bottom, left:right] = images[partner, :, top:bottom, left:right]
    lam = 1.0 - (bottom - top) * (right - left) / (H * W)
    return pasted, _sum(onehot, partner, lam)


_WAYS = (mixup, cutmix)  # the names have another meaning below


def mixed(
    images: np.ndarray,
    labels: np.ndarray,
    rng: np.random.Generator,
    *,
    mixup: float,
    cutmix: float,
    num_classes: int,
) -> tuple[np.ndarray, np.ndarray]:
    """One of mixup and cutmix for the batch, each half of the time; the only one whose alpha is not 0; or none.

    Args:
        images: floats (B, C, H, W), normalised.
        labels: integers (B,), or, of several classes for each image, booleans (B, K).
        rng: this batch's generator.
        mixup, cutmix: their alphas, 0 or more.
        num_classes: K.

    Returns:
        New images and targets (B, K), as `mixup` does; with both alphas 0, `images` and `labels` themselves.

    Raises:
        UserError: an alpha is negative; else as `mixup` does.
    """
    for name, alpha in (("mixup", mixup), ("cutmix", cutmix)):
        if not alpha >= 0:
            raise UserError(f"the alpha of {name} must be 0 (off) or more, got {alpha}: choose another, such as 0.8")
    ways = [(way, alpha) for way, alpha in zip(_WAYS, (mixup, cutmix), strict=True) if alpha > 0]
    if not ways:
        return images, labels
    way, alpha = ways[rng.integers(len(ways))]
    return way(images, labels, rng, alpha=alpha, num_classes=num_classes)


def _sum(x: np.ndarray, partner: np.ndarray, lam: float) -> np.ndarray:
    """λ x + (1 - λ) x[partner], of x's shape and dtype."""
    y = x * lam
    y += x[partner] * (1.0 - lam)
    return y


def _share(rng: np.random.Generator, alpha: float) -> float:
    """λ, what an image keeps of itself."""
    if not 0 < alpha < np.inf:
        raise UserError(f"alpha must be above 0 and finite, got {alpha}: choose one, such as 0.8")
    return float(rng.beta(alpha, alpha))


def _onehot(images: np.ndarray, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Labels (B,), or booleans (B, K), -> (B, K) of the images' dtype, once both are found to be what can be mixed."""
    if images.ndim != 4 or images.dtype.kind != "f":
        raise UserError(
            f"images to mix must be floats (B, C, H, W), got {images.dtype} {images.shape}: normalise them first"
        )
    if labels.shape == (len(images), num_classes) and labels.dtype == bool:
        return labels.astype(images.dtype)
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise UserError(
            f"labels to mix must be integers ({len(images)},), got {labels.dtype} {labels.shape}: give one an image"
        )
    if not ((labels >= 0) & (labels < num_classes)).all():
        raise UserError(f"labels to mix must lie in 0..{num_classes - 1}, got {labels.min()}..{labels.max()}")
    return (labels[:, None] == np.arange(num_classes)).astype(images.dtype)
