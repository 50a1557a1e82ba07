"""Files stand where an array of images is: indexed like one, batched like one, predicted from like one."""

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.datasets import Split, batches, normalize
from tinyvit.datasets.image_files import ImageFiles, image_dataset
from tinyvit.datasets.image_folder import list_folder
from tinyvit.errors import UserError
from tinyvit.evaluation.evaluate import evaluate
from tinyvit.images.open import open_image
from tinyvit.images.processor import ImageProcessor
from tinyvit.training import predict_probs

PROCESSOR = ImageProcessor(size=(8, 12))


@pytest.fixture
def files(make_image):
    """Seven images of many sizes, and the array that stands for them."""
    modes = ["RGB", "L", "RGBA", "P", "RGB", "1", "LA"]
    paths = [make_image(f"{k}.png", k, size=(9 + 3 * k, 20 - k), mode=mode) for k, mode in enumerate(modes)]
    return ImageFiles(paths, PROCESSOR), np.stack([PROCESSOR.pixels(open_image(path)) for path in paths])


@pytest.mark.parametrize(
    "rows",
    [
        3, -1, np.int64(2), slice(None), slice(2, 5), slice(5, 100), slice(7, None), slice(None, None, -2), slice(3, 3),
        [4, 0, 4], [], np.array([6, 1, 1, -7]), np.array([[0, 1], [5, 2]]), np.arange(7) % 2 == 0, ...,
    ],
    ids=str,
)  # fmt: skip
def test_indexing_is_that_of_the_array(files, rows):
    ours, array = files
    images = ours[rows]
    assert images.dtype == np.uint8
    np.testing.assert_array_equal(images, array[rows])
    assert images.shape == array[rows].shape


@pytest.mark.parametrize("rows", [7, -8, [0, 7], np.ones(6, bool), 1.5, "0"])
def test_rows_that_are_not_there_are_refused_as_by_an_array(files, rows):
    ours, array = files
    with pytest.raises(IndexError):
        array[rows]
    with pytest.raises(IndexError):
        ours[rows]


def test_it_has_an_arrays_shape_dtype_and_length(files):
    ours, array = files
    assert ours.shape == array.shape == (7, 3, 8, 12)
    assert ours.dtype == array.dtype
    assert len(ours) == 7
    np.testing.assert_array_equal(np.stack(list(ours)), array)
    assert ImageFiles([], PROCESSOR)[:].shape == (0, 3, 8, 12)


@pytest.mark.parametrize(
    ("options", "shape"),
    [
        ({"in_chans": 1}, (1, 224, 224)),
        ({"size": 30, "do_center_crop": True, "crop_size": (8, 9)}, (3, 8, 9)),
        ({"do_resize": False, "do_center_crop": True, "crop_size": (8, 9)}, (3, 8, 9)),
        ({"size": (30, 40), "do_center_crop": True, "crop_size": (8, 9)}, (3, 8, 9)),
    ],
)
def test_the_shape_is_what_the_processor_makes(make_image, options, shape):
    files = ImageFiles([make_image("a.png", size=(33, 50)), make_image("b.png", size=(41, 31))], ImageProcessor(**options))  # fmt: skip
    assert files.shape == (2, *shape)
    assert files[:].shape == (2, *shape)


@pytest.mark.parametrize("options", [{"size": 224}, {"do_resize": False}])
def test_a_processor_that_leaves_sizes_different_is_refused(options):
    with pytest.raises(UserError, match="different sizes"):
        ImageFiles([], ImageProcessor(**options))


def test_batches_stream(files, monkeypatch):
    ours, array = files
    labels = np.arange(7)
    for (images, of_files), (wanted, of_array) in zip(
        batches(Split(ours, labels), 3), batches(Split(array, labels), 3), strict=True
    ):
        np.testing.assert_array_equal(images, wanted)
        np.testing.assert_array_equal(of_files, of_array)
    opened = []
    monkeypatch.setattr("tinyvit.datasets.image_files.open_image", lambda path: opened.append(path) or open_image(path))  # fmt: skip
    next(batches(Split(ours, labels), 3))
    assert sorted(opened) == ours.paths[:3]


@pytest.mark.parametrize("how", ["gone", "damaged", "too long"])
def test_a_file_that_cannot_be_read_at_that_moment_is_named(files, make_image, how):
    ours, array = files
    if how == "gone":
        ours.paths[4].unlink()
    elif how == "damaged":
        ours.paths[4].write_bytes(ours.paths[4].read_bytes()[:100])
    else:
        make_image("4.png", size=(1, 2_200_000))
    np.testing.assert_array_equal(ours[:4], array[:4])
    with pytest.raises(UserError, match=r"4\.png"):
        ours[:]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"image_mean": (0.485, 0.456, 0.406), "image_std": (0.229, 0.224, 0.225)},
        {"rescale_factor": 1 / 127.5, "image_mean": 1.0, "image_std": 0.7},
        {"rescale_factor": 0.01, "image_mean": (0.1, 0.2, 0.3), "image_std": (0.4, 0.5, 0.6)},
        {"do_rescale": False, "image_mean": 120.0, "image_std": 60.0},
        {"do_normalize": False},
        {"do_normalize": False, "rescale_factor": 0.01},
        {"do_normalize": False, "do_rescale": False},
        {"in_chans": 1, "image_mean": 0.13, "image_std": 0.31},
    ],
    ids=str,
)
def test_a_data_set_is_normalised_as_the_processor_does(tmp_path, make_image, options):
    paths = [make_image(f"{name}.png", size=(30, 40)) for name in ("cat/1", "cat/2", "dog/1", "dog/2")]
    processor = ImageProcessor(size=(8, 12), **options)
    dataset = image_dataset(list_folder(tmp_path, dev_share=0, test_share=0), processor, name="pets")
    assert (dataset.name, dataset.class_names) == ("pets", ("cat", "dog"))
    assert dataset.train.labels.tolist() == [0, 0, 1, 1]
    assert (len(dataset.dev), len(dataset.test)) == (0, 0)
    ours = normalize(dataset.train.images[:], dataset.mean, dataset.std)
    wanted = np.stack([processor(open_image(path)) for path in paths])
    np.testing.assert_allclose(ours, wanted, rtol=1e-6, atol=2e-6 * np.abs(wanted).max())


def test_a_models_answers_are_those_on_the_array(tmp_path, make_image):
    for split, count in (("train", 3), ("val", 2), ("test", 2)):
        for name in ("cat", "dog"):
            for k in range(count):
                make_image(f"{split}/{name}/{k}.jpg")
    dataset = image_dataset(list_folder(tmp_path), PROCESSOR)
    config = ViTConfig(img_size=(8, 12), patch_size=4, in_chans=3, num_classes=2, embed_dim=8, depth=1, num_heads=2)
    model = VisionTransformer(config, rng=np.random.default_rng(0))
    probs = predict_probs(model, dataset.dev.images, dataset.mean, dataset.std)
    array = dataset.dev.images[:]
    np.testing.assert_array_equal(probs, predict_probs(model, array, dataset.mean, dataset.std))
    result = evaluate(model, dataset.dev, dataset)
    assert result.loss == evaluate(model, Split(array, dataset.dev.labels), dataset).loss
