"""The course's checks, imported by notebooks: `from tinyvit.course import check`.

`exercise` says what a learner's function must come to, `exercises` lists them lesson by lesson, `judge` compares,
`report` puts the result into words, `progress` remembers it. `my_guess` shows a guess beside what came out,
`play` shows a figure with sliders, `bug_hunt` hands out a broken function. `collect` gathers a learner's functions in
one file. `clinic` and `scaling` are runs made ready for lessons 19 and 26. `strict_cupy` stands in for CuPy where there
is no GPU.
"""

from . import check, clinic, scaling
from .bug_hunt import bug_hunt
from .collect import collect, load_functions, replace_failing
from .exercise import EXERCISES, Exercise, find_exercise
from .my_guess import show_guess
from .my_page import MyPage, write_page
from .play import play
from .show import show
from .sizes import accuracy_at_sizes, resized_images
from .trained import Trained, save_classifier, stand_in_folder, trained_model

__all__ = [
    "EXERCISES",
    "Exercise",
    "MyPage",
    "Trained",
    "accuracy_at_sizes",
    "bug_hunt",
    "check",
    "clinic",
    "collect",
    "find_exercise",
    "load_functions",
    "play",
    "replace_failing",
    "resized_images",
    "save_classifier",
    "scaling",
    "show",
    "show_guess",
    "stand_in_folder",
    "trained_model",
    "write_page",
]
