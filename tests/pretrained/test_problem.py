"""What logits mean is read from config.json as transformers reads it, in every layout that can say it."""

import json
import shutil

import pytest

from tinyvit import VisionTransformer, ViTConfig
from tinyvit.course import stand_in_folder
from tinyvit.errors import UserError
from tinyvit.pretrained import folder_files, open_checkpoint
from tinyvit.pretrained.problem import problem_type
from tinyvit.storage.folders import write_folder

SMALL = {"img_size": 8, "patch_size": 4, "embed_dim": 8, "depth": 1, "num_heads": 2}


@pytest.mark.parametrize(
    ("values", "num_classes", "wanted"),
    [
        ({}, 3, "single_label_classification"),
        ({"problem_type": None}, 3, "single_label_classification"),
        ({"problem_type": "single_label_classification"}, 2, "single_label_classification"),
        ({"problem_type": "multi_label_classification"}, 3, "multi_label_classification"),
        ({}, 1, "multi_label_classification"),
        ({"problem_type": "single_label_classification"}, 1, "multi_label_classification"),
        ({"problem_type": "regression"}, 1, "regression"),
        ({"problem_type": "regression"}, 4, "regression"),
    ],
)
def test_what_logits_mean(values, num_classes, wanted):
    assert problem_type(values, num_classes) == wanted


@pytest.mark.parametrize("said", ["multi_label", "ranking", 3, ["regression"], ""])
def test_an_unknown_problem_type_is_refused_by_its_name(tmp_path, said):
    shutil.copytree(stand_in_folder(), tmp_path / "model")
    values = json.loads((tmp_path / "model/config.json").read_text()) | {"problem_type": said}
    (tmp_path / "model/config.json").write_text(json.dumps(values))
    with pytest.raises(UserError, match=r"says problem_type .*not known: correct it to one of single_label") as error:
        open_checkpoint(tmp_path / "model")
    assert repr(said) in str(error.value)


@pytest.mark.parametrize("family", ["tinyvit", "hf", "timm"])
@pytest.mark.parametrize("said", ["multi_label_classification", "regression", None])
def test_every_layout_of_folders_keeps_it(tmp_path, family, said):
    model = VisionTransformer(ViTConfig(num_classes=2, **SMALL))
    write_folder(tmp_path / "m", folder_files(model.config, model.parameters(), family, None, None, said))
    source = open_checkpoint(tmp_path / "m")
    assert problem_type(source.values, 2) == (said or "single_label_classification")
    assert ("problem_type" in source.values) == (said is not None)
    assert source.config == model.config
