"""A split found, shown to a model, and what becomes of it told: shared by `tinyvit eval` and `tinyvit plot`."""

from typing import Any

from ..errors import UserError
from .bar import picture_bar
from .output import complain, printable, say
from .predictions import PredictionsTable


def dataset_of(fed: Any, model_path: str, split: str, data_dir: str | None) -> Any:
    """The data set in `data_dir`, or else the one that the model's run was about; its split `split` holds something.

    Raises:
        UserError: there is none, or it does not fit the model.
    """
    from ..training.its_pictures import note_memory, pictures_to_measure, read_pictures
    from ..training.run import its_data_dir, run_folder
    from ..training.trained import load_its_dataset

    def note(sentence: str) -> None:
        say(f"note: {printable(sentence)}")

    run, given = run_folder(model_path), data_dir is not None
    data_dir = data_dir or (None if fed.built_in else its_data_dir(model_path))
    began_with = read_pictures(run) if data_dir and not fed.built_in else None
    listing = None
    if began_with and data_dir:
        listing = pictures_to_measure(began_with, split, data_dir, run=run, given=given, note=note)
    dataset = load_its_dataset(fed, data_dir=data_dir, listing=listing, note=note)
    if began_with and listing is None:
        note_memory(began_with, getattr(dataset, split).images.paths, note)
    if not len(getattr(dataset, split)):
        raise UserError(f"{dataset.name} has no pictures in its {split} split: choose another --split")
    return dataset


def score_all(
    model: Any, fed: Any, dataset: Any, name: str, table: PredictionsTable | None = None, batch_size: int | None = None
) -> Any:
    """`training.scores.score_split` of the split called `name`, with a progress bar and, in `table`, all answers."""
    from ..training.scores import score_split

    split = getattr(dataset, name)
    files = getattr(split.images, "paths", None)
    with picture_bar(len(split)) as bar:

        def each(row: int, answer: Any) -> None:
            bar.update()
            if isinstance(answer, UserError):
                complain(str(answer))
            elif table is not None:
                file = files[row] if files else f"{dataset.name}/{name}/{row}"
                table.add(file, answer.probs, split.labels[row])

        return score_split(model, fed, split, batch_size=batch_size, each=each)
