"""What is kept in `data/vit-stand-in` is what `transformers` computes today."""

import numpy as np
import pytest

from tests.support.oracles import transformers
from tinyvit.course import stand_in_folder
from tinyvit.storage.tensors import read_arrays

pytestmark = pytest.mark.skipif(transformers is None, reason="transformers is not installed")


def test_the_reference_is_what_transformers_computes():
    from tests.parity.record_stand_in import reference

    stored = read_arrays(stand_in_folder() / "reference.safetensors")
    again = reference(stand_in_folder(), stored["pictures"])
    assert again.keys() == stored.keys()
    for name, array in again.items():
        np.testing.assert_allclose(array, stored[name], rtol=0, atol=1e-12 * np.abs(array).max())
