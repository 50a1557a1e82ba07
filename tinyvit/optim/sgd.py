"""Stochastic gradient descent, with momentum to roll through small bumps.

    velocity = momentum * velocity + g,   p = p - lr * velocity      (Nesterov: lr (g + momentum * velocity))

Source: Sutskever et al. 2013, "On the importance of initialization and momentum in deep learning"; in PyTorch's form.
"""

from collections.abc import Mapping

from ..backend import Array
from ..errors import UserError
from .optimizer import Optimizer, check_number


class SGD(Optimizer):
    """SGD with momentum. The weight decay is added to the gradient.

    Raises:
        UserError: momentum is not from 0 to 1, 1 excluded, or 0 with nesterov, or weight_decay is negative.
    """

    slots = ("velocity",)

    def __init__(
        self,
        parameters: Mapping[str, Array],
        *,
        momentum: float = 0.9,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        lr_scales: Mapping[str, float] | None = None,
    ):
        check_number("momentum", momentum, below=1)
        check_number("weight_decay", weight_decay)
        if nesterov and not momentum:
            raise UserError("nesterov needs a momentum above 0, got 0: set momentum, or leave nesterov off")
        super().__init__(parameters, lr_scales)
        self.momentum, self.nesterov, self.weight_decay = momentum, nesterov, weight_decay

    def _update(self, grads: Mapping[str, Array], lr: float) -> None:
        for decays, lr_scale, parameter, grad, velocity in self._pieces(grads):
            if decays and self.weight_decay:
                grad = grad + self.weight_decay * parameter
            velocity *= self.momentum
            velocity += grad
            parameter -= lr * lr_scale * (grad + self.momentum * velocity if self.nesterov else velocity)
