"""The exercises, one file or more for a lesson. Importing this enters them all, in the order of their numbers."""

from importlib import import_module
from pkgutil import iter_modules

from ..exercise import EXERCISES
from ..progress import in_order

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
for _number in sorted(EXERCISES, key=in_order):
    EXERCISES[_number] = EXERCISES.pop(_number)
