"""AdamW: a step size for each parameter, from the mean and mean square of its gradient; decoupled weight decay.

    m = β1 m + (1 - β1) g,   v = β2 v + (1 - β2) g²
    p = p - lr (m / (1 - β1ᵗ) / (√(v / (1 - β2ᵗ)) + eps) + weight_decay p)      in step t

m and v are running means of the gradient g and of g², which start at 0 and so are too small at first: dividing by
1 - βᵗ makes up for that (bias correction). The decay is taken off p itself and not added to g, or v would shrink it
where gradients are large (decoupled). Only weight matrices decay, see `flat.decays`.

Source: Loshchilov, Hutter 2019, "Decoupled Weight Decay Regularization", arXiv:1711.05101.
"""

import math
from collections.abc import Mapping

from ..backend import Array, array_module
from ..errors import UserError
from .optimizer import Optimizer, check_number


class AdamW(Optimizer):
    """Adam with decoupled weight decay.

    Raises:
        UserError: betas are not two numbers from 0 to 1, 1 excluded, eps is not above 0, or weight_decay is negative.
    """

    slots = ("m", "v")

    def __init__(
        self,
        parameters: Mapping[str, Array],
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.05,
        lr_scales: Mapping[str, float] | None = None,
    ):
        super().__init__(parameters, lr_scales)
        if not isinstance(betas, tuple | list) or len(betas) != 2:
            raise UserError(f"betas must be two numbers from 0 to 1, got {betas!r}: choose two, such as (0.9, 0.999)")
        for name, value in (("beta1", betas[0]), ("beta2", betas[1])):
            check_number(name, value, below=1)
        check_number("eps", eps)
        check_number("weight_decay", weight_decay)
        if not eps:
            raise UserError("eps must be above 0, or a gradient of 0 divides by 0, got 0: choose another, such as 1e-8")
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay

    def _update(self, grads: Mapping[str, Array], lr: float) -> None:
        for decays, lr_scale, parameter, grad, m, v in self._pieces(grads):
            self._move(parameter, grad, m, v, lr * lr_scale, decays)

    def _move(self, parameter: Array, grad: Array, m: Array, v: Array, rate: float, decays: bool) -> None:
        """One step of a parameter, or of a piece of the vector of all; m and v are moved first."""
        beta1, beta2 = self.betas
        correction1, correction2 = 1 - beta1**self.steps, 1 - beta2**self.steps
        xp = array_module(parameter)
        if decays:
            parameter *= 1 - rate * self.weight_decay
        m *= beta1
        m += (1 - beta1) * grad
        v *= beta2
        v += (1 - beta2) * (grad * grad)
        # m / c1 / (√(v / c2) + eps), with the corrections moved onto single numbers
        change = xp.sqrt(v)
        change += self.eps * math.sqrt(correction2)
        xp.divide(m, change, out=change)
        change *= rate * math.sqrt(correction2) / correction1
        parameter -= change
