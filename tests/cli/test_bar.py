"""The progress bar's first lines."""

from pathlib import Path

import pytest

from tinyvit.cli.bar import progress_bar
from tinyvit.config.generation import GenerateConfig
from tinyvit.config.mae import MAEConfig
from tinyvit.config.run import TrainConfig
from tinyvit.layers import NO_DRAWS
from tinyvit.tasks import task_of


@pytest.mark.parametrize("config", [TrainConfig(), GenerateConfig(), MAEConfig()], ids=lambda config: config.task)
def test_the_parameters_told_are_all_of_the_model(config, capsys):
    bar = progress_bar()
    bar.start(config, Path("run"), images_per_epoch=1, images_done=0)
    bar.stop()
    count = task_of(config).build(config, NO_DRAWS).num_parameters()
    assert f"{count:,} parameters; everything goes to run" in capsys.readouterr().out
