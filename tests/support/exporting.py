"""Small models to export, and how far the file's answers are from the model's own."""

import importlib.util

import numpy as np

from tinyvit import VisionTransformer
from tinyvit.exporting.compare import ENGINES, difference, examples
from tinyvit.exporting.export import graph_of, subject_of
from tinyvit.exporting.files import save_onnx
from tinyvit.exporting.subject import Wanted
from tinyvit.gradcheck.cases import shaken
from tinyvit.gradcheck.configs import MODELS, WORD_MODELS

KINDS = MODELS | WORD_MODELS
HAS_ONNX = importlib.util.find_spec("onnx") is not None and importlib.util.find_spec("onnxruntime") is not None
NEEDS_ONNX = "tests of the ONNX export need onnx and onnxruntime: python -m pip install 'tinyvit[onnx]'"


def model_of(name, dtype=np.float32):
    rng = np.random.default_rng(5)
    return shaken(VisionTransformer(KINDS[name], rng=rng), rng).astype(dtype)


def everything(config):
    """All outputs that a model of this kind can have."""
    return Wanted(True, True, bool(config.num_classes) and config.stem != "words")


def exported(path, subject, *, opset=17, **options):
    save_onnx(path, graph_of(subject, opset=opset), {}, **options)
    return path


def differences(path, subject, dtype=np.float32, engines=ENGINES):
    """Of each engine and output, the difference from what `subject` answers."""
    given, wanted = examples(subject, np.dtype(dtype))
    found = {}
    for engine in engines:
        got = ENGINES[engine](path, given)
        assert set(got) == set(wanted)
        assert all(array.dtype == dtype for array in got.values())
        found |= {(engine, output): difference(got[output], array) for output, array in wanted.items()}
    return found


def worst(path, model, wanted, **options):
    return max(differences(path, subject_of(model, wanted), **options).values())
