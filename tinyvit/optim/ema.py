"""An exponential moving average of the weights: often a little better than the last ones, and free of their jitter."""

from collections.abc import Mapping

from ..backend import Array
from ..errors import UserError
from .flat import FlatArrays
from .optimizer import check_number


class EMA:
    """average = decay * average + (1 - decay) * weights, after each step. The first steps count more:
    the decay is at most (1 + step) / (10 + step), so that the random start is soon forgotten.

    Source: Polyak, Juditsky 1992; the warm-up as in TensorFlow's ExponentialMovingAverage.

    Raises:
        UserError: there are no parameters, or decay is not from 0 to 1, 1 excluded.
    """

    def __init__(self, parameters: Mapping[str, Array], *, decay: float):
        check_number("decay", decay, below=1)
        if not parameters:
            raise UserError("there are no parameters to average, got an empty dict: give those of a model")
        self.parameters = parameters
        self.decay = decay
        self.average = FlatArrays(parameters)
        self.average.add(parameters)

    def update(self, step: int) -> None:
        """Take in the weights as they are after `step` steps."""
        decay = self.decay_at(step)
        for name, average in self.average.items():
            average *= decay
            average += (1 - decay) * self.parameters[name]

    def decay_at(self, step: int) -> float:
        """Decay of the average after `step` steps."""
        return min(self.decay, (1 + step) / (10 + step))
