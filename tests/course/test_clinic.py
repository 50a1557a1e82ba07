"""The ten runs of lesson 19 show the evidence that the lesson speaks of, and each has one fault."""

import dataclasses

import numpy as np
import pytest

from tinyvit import check_gradients
from tinyvit.course import clinic


@pytest.fixture(scope="module")
def beds():
    return {name: clinic.patient(name) for name in clinic.SETUPS}


def test_each_run_differs_from_the_healthy_one_in_one_thing():
    healthy = clinic.Setup()
    for letter in clinic.DIAGNOSES:
        fields = dataclasses.fields(clinic.Setup)
        changed = [f.name for f in fields if getattr(clinic.SETUPS[letter], f.name) is not getattr(healthy, f.name)]
        assert len(changed) == 1, letter


@pytest.mark.slow
def test_the_curves_say_what_the_lesson_says(beds):
    last = {name: patient.losses[-30:].mean() for name, patient in beds.items()}
    for letter in "CEIJ":  # whose curves look healthy
        assert last[letter] < 1.3
    for letter in "BDGH":
        assert last[letter] > 1.6
    assert last["F"] < 0.05
    assert len(np.unique(beds["A"].batch(150)[1])) == 1


@pytest.mark.slow
def test_gradients_and_places_tell_the_rest(beds):
    images = beds["healthy"].dev_images[:2].astype(np.float64)
    failed = {name for name, one in beds.items() if not check_gradients(one.after, [images], full_up_to=1).passed}
    assert failed == {"E", "I"}
    assert not np.any(beds["I"].gradients()["blocks.0.attn.qkv.weight"])
    assert np.any(beds["E"].gradients()["blocks.0.attn.qkv.weight"])
    upside_down = beds["J"].dev_images[:50].reshape(50, 1, 4, 7, 28)[:, :, ::-1].reshape(50, 1, 28, 28)
    np.testing.assert_allclose(
        beds["J"].after.predict(upside_down), beds["J"].after.predict(beds["J"].dev_images[:50]), atol=1e-4
    )
    assert np.abs(beds["E"].after.predict(upside_down) - beds["E"].after.predict(beds["E"].dev_images[:50])).max() > 0.1


@pytest.mark.slow
def test_weights_of_the_patients(beds):
    norms = {
        name: np.linalg.norm(patient.after.head.weight) / np.linalg.norm(patient.before.head.weight)
        for name, patient in beds.items()
    }
    assert norms["B"] < 0.5
    assert min(norm for name, norm in norms.items() if name != "B") > 0.5
    assert beds["F"].dev_accuracy < 0.6 < 0.7 < beds["healthy"].dev_accuracy
    assert beds["C"].dev_accuracy < 0.4
