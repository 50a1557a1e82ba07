"""The tuner's gradients are those of the whole batch, whatever learns, however it is cut up and recomputed."""

import dataclasses

import numpy as np
import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.datasets import Dataset, Split
from tinyvit.gradcheck.cases import shaken
from tinyvit.layers import Recompute
from tinyvit.ops import cross_entropy_backward, cross_entropy_forward, distillation_backward, distillation_forward
from tinyvit.optim import AdamW
from tinyvit.optim.layer_decay import lr_scales
from tinyvit.training import FinetuneConfig, loss_and_gradients
from tinyvit.training.finetuning.tuner import Tuner, learns

MODEL = ViTConfig(
    img_size=8, patch_size=4, in_chans=3, num_classes=3, embed_dim=12, depth=3, num_heads=2, mlp_ratio=1.5
)
EMPTY = Split(np.zeros((0, 3, 8, 8), np.uint8), np.zeros(0, np.int64))
DATASET = Dataset("made up", ("a", "b", "c"), 0.5, 0.5, EMPTY, EMPTY, EMPTY)


class OneBatch:
    """The same 7 images at every step."""

    def __init__(self, soft=False):
        rng = np.random.default_rng(3)
        self.images = rng.standard_normal((7, 3, 8, 8))
        self.labels = rng.dirichlet(np.ones(3), 7) if soft else rng.integers(0, 3, 7)

    def take(self, step):
        return self.images, self.labels

    def close(self):
        pass


@pytest.fixture
def make():
    """A tuner on a shaken model in float64, and an equal model beside it."""
    made = []

    def tuner(batches=None, threads=2, teacher=None, **options):
        config = FinetuneConfig(model=MODEL, batch_size=7, device="cpu", **options)
        model, twin = (
            shaken(VisionTransformer(config.model, rng=np.random.default_rng(0)), np.random.default_rng(1))
            for _ in range(2)
        )
        made.append(Tuner(config, DATASET, model, batches or OneBatch(), threads, teacher))
        return made[-1], twin

    yield tuner
    for one in made:
        one.close()


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("micro_batch", [1, 3, 7])
@pytest.mark.parametrize("recompute", [False, True])
def test_pieces_threads_and_recomputing_change_nothing(make, soft, threads, micro_batch, recompute):
    batch = OneBatch(soft)
    tuner, twin = make(batch, threads, micro_batch=micro_batch, recompute=recompute, label_smoothing=0.1)
    loss = tuner.compute(0)
    wanted_loss, wanted = loss_and_gradients(twin, batch.images, batch.labels, label_smoothing=0.1)
    assert loss == pytest.approx(float(wanted_loss), rel=1e-12)
    assert set(tuner.grads) == set(wanted)
    for name, grad in tuner.grads.items():
        np.testing.assert_allclose(grad, wanted[name], rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("weights", [None, (0.5, 2.0, 1.0)])
@pytest.mark.parametrize("micro_batch", [1, 3, 7])
def test_a_teacher_of_fewer_classes_pulls_the_first_logits(make, micro_batch, weights):
    batch = OneBatch()
    config = dataclasses.replace(MODEL, num_classes=2)
    teacher = shaken(VisionTransformer(config, rng=np.random.default_rng(4)), np.random.default_rng(5))
    tuner, twin = make(batch, 2, teacher, micro_batch=micro_batch, class_weights=weights)
    loss = tuner.compute(0)
    logits, saved = twin.forward(batch.images)
    counts = np.ones(7) if weights is None else np.array(weights)[batch.labels]
    of_images = {"weights": counts / counts.sum()}
    known, known_saved = distillation_forward(
        logits[:, :2], teacher_logits=teacher.predict(batch.images), temperature=2.0, **of_images
    )
    all_classes, all_saved = cross_entropy_forward(logits, labels=batch.labels, **of_images)
    assert loss == pytest.approx(float(known + all_classes), rel=1e-12)
    dlogits = cross_entropy_backward(1.0, all_saved)
    dlogits[:, :2] += distillation_backward(1.0, known_saved)
    for name, grad in twin.backward(dlogits, saved)[1].items():
        np.testing.assert_allclose(tuner.grads[name], grad, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("micro_batch", [1, 3, 7])
@pytest.mark.parametrize("class_weights", [(0.5, 2.0, 1.0), (0.0, 1.0, 3.0)])
def test_class_weights_weigh_labels_and_soft_targets(make, soft, micro_batch, class_weights):
    """Whole pieces of the batch may count nothing."""
    batch = OneBatch(soft)
    batch.labels[:2] = [1, 0, 0] if soft else 0
    tuner, twin = make(batch, micro_batch=micro_batch, class_weights=class_weights, label_smoothing=0.1)
    loss = tuner.compute(0)
    of_rows = np.array(class_weights)[batch.labels] if not soft else batch.labels @ class_weights
    weights = of_rows / of_rows.sum()
    wanted_loss, wanted = loss_and_gradients(twin, batch.images, batch.labels, weights=weights, label_smoothing=0.1)
    assert loss == pytest.approx(float(wanted_loss), rel=1e-12)
    for name, grad in tuner.grads.items():
        np.testing.assert_allclose(grad, wanted[name], rtol=1e-10, atol=1e-14)


def test_a_batch_in_which_nothing_counts_moves_nothing(make):
    batch = OneBatch()
    batch.labels[:] = 1
    tuner, _ = make(batch, class_weights=(1.0, 0.0, 1.0))
    tuner.grads.vector.fill(np.nan)
    assert tuner.compute(0) == 0.0
    assert not tuner.grads.vector.any()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tune": "head"}, {"head"}),
        ({"tune": "last", "last_blocks": 1}, {"head", "norm", "blocks.2"}),
        ({"tune": "last", "last_blocks": 2}, {"head", "norm", "blocks.1", "blocks.2"}),
        ({"tune": "last", "last_blocks": 9}, {"head", "norm", "blocks.0", "blocks.1", "blocks.2", "cls_token", "pos_embed", "patch_embed"}),
    ],
)  # fmt: skip
def test_only_what_learns_has_gradients_and_moves(make, options, expected):
    tuner, twin = make(**options)
    tuner.compute(0)
    _, wanted = loss_and_gradients(twin, OneBatch().images, OneBatch().labels)
    parts = {
        name.rsplit(".", len(name.split(".")) - (2 if name.startswith("blocks") else 1))[0] for name in tuner.grads
    }
    assert parts == expected
    for name, grad in tuner.grads.items():
        np.testing.assert_allclose(grad, wanted[name], rtol=1e-10, atol=1e-14)
    AdamW(tuner.parameters, weight_decay=0.1).step(tuner.grads, lr=0.1)
    before = twin.parameters()
    for name, array in tuner.model.parameters().items():
        assert np.array_equal(array, before[name]) == (name not in tuner.grads)


def test_what_does_not_learn_keeps_nothing(make):
    tuner, _ = make(tune="last", last_blocks=1)
    assert [isinstance(block, Recompute) for block in tuner.model.blocks] == [True, True, False]


@pytest.mark.parametrize("recompute", [False, True])
def test_no_thread_goes_without_a_piece(make, recompute):
    for threads in (1, 2, 7):
        tuner, _ = make(threads=threads, recompute=recompute)
        assert -(-7 // tuner.micro_batch) >= threads


def test_drop_path_drops_the_same_however_the_batch_is_cut(make):
    model = dataclasses.replace(MODEL, drop_path_rate=0.5, drop_rate=0.2)
    grads = []
    for micro_batch, threads, recompute in ((7, 1, False), (2, 2, True)):
        config = FinetuneConfig(model=model, batch_size=7, device="cpu", micro_batch=micro_batch, recompute=recompute)
        one = shaken(VisionTransformer(model, rng=np.random.default_rng(0)), np.random.default_rng(1))
        tuner = Tuner(config, DATASET, one, OneBatch(), threads)
        tuner.compute(4)
        grads.append(tuner.grads.vector.copy())
        tuner.close()
    np.testing.assert_allclose(grads[0], grads[1], rtol=1e-9, atol=1e-14)


def test_layers_learn_slower_the_deeper_they_are():
    names = list(VisionTransformer(MODEL).parameters())
    scales = lr_scales(names, 0.5, MODEL.depth)
    assert scales["head.weight"] == scales["norm.bias"] == 1
    assert scales["blocks.2.mlp.fc1.weight"] == 0.5
    assert scales["blocks.0.norm1.bias"] == 0.125
    assert scales["pos_embed"] == scales["patch_embed.proj.weight"] == scales["cls_token"] == 0.0625
    assert set(scales) == set(names)


@pytest.mark.parametrize("kind", [{"fc_norm": True, "pool": "mean"}, {"pool": "map"}])
def test_what_stands_behind_the_blocks_learns_as_the_head_does(kind):
    config = ViTConfig(img_size=8, patch_size=4, in_chans=1, num_classes=3, embed_dim=8, depth=2, num_heads=2, **kind)
    names = VisionTransformer(config).parameters()
    behind = [name for name in names if name.startswith(("fc_norm.", "pool."))]
    scales = lr_scales(names, 0.5, config.depth)
    assert behind
    assert {scales[name] for name in behind} == {scales["head.weight"]} == {1.0}
    assert all(learns(name, 1, 2) for name in behind)  # the last block and all behind it
    assert not any(learns(name, 2, 2) for name in behind)  # the head alone


def test_every_parameter_learns_when_all_do():
    for name in VisionTransformer(dataclasses.replace(MODEL, num_registers=1)).parameters():
        assert learns(name, 0, MODEL.depth)
        assert learns(name, MODEL.depth, MODEL.depth) == name.startswith("head.")


@pytest.mark.parametrize(
    "options",
    [
        {"micro_batch": 3, "label_smoothing": 0.1},
        {"recompute": True},
        {"tune": "head"},
        {"tune": "last", "last_blocks": 1, "layer_decay": 0.7},
    ],
)
@pytest.mark.parametrize("soft", [False, True])
def test_gradients_on_a_gpu_are_those_of_the_cpu(soft, options, make, gpu):
    batch = OneBatch(soft)
    here, _ = make(batch, **options)
    wanted_loss = here.compute(0)
    model = shaken(VisionTransformer(MODEL, rng=np.random.default_rng(0)), np.random.default_rng(1)).to("cuda")
    there = Tuner(dataclasses.replace(here.config, device="cuda"), DATASET, model, batch, 2)
    with gpu.no_host_reads():
        loss = there.compute(0)
        AdamW(there.parameters, weight_decay=0.1, lr_scales=there.lr_scales).step(there.grads, lr=0.1)
    there.close()
    assert float(loss) == pytest.approx(float(wanted_loss), rel=1e-12)
    assert set(there.grads) == set(here.grads)
    for name, grad in there.grads.items():
        np.testing.assert_allclose(grad.get(), here.grads[name], rtol=1e-10, atol=1e-14)
    AdamW(here.parameters, weight_decay=0.1, lr_scales=here.lr_scales).step(here.grads, lr=0.1)
    for name, array in there.parameters.items():
        np.testing.assert_allclose(array.get(), here.parameters[name], rtol=1e-9, atol=1e-9)
