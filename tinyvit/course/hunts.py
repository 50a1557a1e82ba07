"""The table of bug hunts: in each lesson one line of a function that stands there wrong, and what gives it away."""

from typing import NamedTuple


class Hunt(NamedTuple):
    """`line` counts from 1, the `def`, in the solution without docstring and comments."""

    number: str  # of the exercise whose solution is broken
    line: int
    broken: str  # what stands in the line's place; nothing if it is missing
    cause: str  # why that is wrong
    clue: str  # what to look at, for one who suspected another line


HUNTS = {
    1: Hunt(
        "1.2",
        6,
        "pieces = patches.reshape(B, W // P, H // P, C, P, P)",
        "the patches lie in H/P rows of W/P, and not in W/P rows of H/P; in a square image the two are the same, and "
        "nobody notices",
        "Square images come back right, others do not: which line could mistake rows for columns, and lose no pixel?",
    ),
    2: Hunt(
        "2.2",
        6,
        "return dx, x_rows.T @ dy_rows, dy_rows.mean(axis=0)",
        "the bias is used once for each token, and the gradients of its uses add up; a mean is too small",
        "What comes out right was made in lines that are right. By which factor is the rest too small?",
    ),
    3: Hunt(
        "3.1",
        10,
        "",
        "each place must be put back before the next is nudged; now x keeps the step down of all places before",
        "The first place is right, and the error grows from place to place: what does one place leave to the next?",
    ),
    4: Hunt(
        "4.3",
        2,
        "shifted = logits - logits.max(keepdims=True)",
        "each row needs its own largest score taken off; far below the largest of all, exp gives 0, its log -inf",
        "A row alone is right, and so are rows of a kind. What do small scores suffer from a row of large ones?",
    ),
    5: Hunt(
        "5.2",
        8,
        "stretch = (dx_hat * dx_hat).mean(-1, keepdims=True)",
        "what must go is the part of dx_hat along x_hat, so it is multiplied by x_hat; now a stretch is left in dx",
        "dx adds up to 0, so the shift has been removed. Is dx perpendicular to x_hat?",
    ),
    6: Hunt(
        "6.2",
        3,
        "bell = np.exp(-x * x) / math.sqrt(2 * math.pi)",
        "the bell curve is exp(-x²/2); without the half it is too narrow",
        "At 0 it is right, and far away, too. Which part of the slope is 0 in both places, and not between them?",
    ),
    7: Hunt(
        "7.1",
        2,
        "scores = q @ k.swapaxes(1, 2) / np.sqrt(q.shape[-2])",
        "scores are divided by the root of d, the numbers of a query, and not of N, the number of tokens",
        "The weights add up to 1, so softmax has done its part. For which shapes is all right?",
    ),
    8: Hunt(
        "8.1",
        5,
        "dscores = weights * dweights",
        "softmax's backward takes an average off; without it a row of dscores does not add up to 0, and dk neither",
        "dq and dk are made from dscores. A wrong scale would leave the sum of dk at 0: does it?",
    ),
    9: Hunt(
        "9.4",
        3,
        "row = np.tile(np.arange(height), width)[:, None]",
        "the row counts 0 0 0 1 1 1, as np.repeat does; np.tile counts 0 1 2 0 1 2, as the column",
        "The first half of each vector is right. Which line is used by the second half alone?",
    ),
    10: Hunt(
        "10.2",
        3,
        "return du + attn_backward(dy)",
        "what the attention branch gave became part of u, so du goes back into it: dy, and what came through the MLP",
        "With either branch at 0 it is right. So each road is there: what do the two roads together need?",
    ),
    11: Hunt(
        "11.2",
        6,
        "v_hat = v / (1 - beta1 ** step)",
        "v is an average with beta2, so it begins too small by 1 - beta2**step, and not by beta1's",
        "m and v come out right. The first step should be about lr long, and a late one is: what fades with the steps?",
    ),
    12: Hunt(
        "12.3",
        10,
        "",
        "nothing changes the weights but optimizer.step; without it, the same batch gives the same loss for ever",
        "On one batch again and again, the loss stays the same to the last digit. What alone could change it?",
    ),
    13: Hunt(
        "13.1",
        7,
        "rollout = rollout @ mixing",
        "a later block mixes what earlier ones have mixed, so it stands on the left; the other order runs backwards",
        "One block is right, and so are two that are equal. What matters only if two matrices differ?",
    ),
    14: Hunt(
        "14.3",
        7,
        "",
        "the sum of a group must begin at 0 again; now each mean has all the groups before in it",
        "If every step gives 1, every mean should be 1. What does a group take over from the one before?",
    ),
    15: Hunt(
        "15.3",
        6,
        "piece, right = ((rank + step) % workers, (rank + 1) % workers)",
        "a worker passes on the piece that it has just been given, one place further back in each step: rank - step",
        "Two workers are right: they have one step, step 0. What changes from step to step?",
    ),
    16: Hunt(
        "16.5",
        3,
        "",
        "a place beyond the border must be brought back to it; without that, it has one neighbour, of less than 1",
        "The rows in the middle are right, those at the ends add up to less than 1: which line is there for the ends?",
    ),
    17: Hunt(
        "17.2",
        6,
        "grads[number] = grad",
        "a value that is used twice gets two gradients, and they add up; now the last one wins",
        "A chain is right. What is special about a value that two records use?",
    ),
    18: Hunt(
        "18.4",
        5,
        "decay = weight_decay if p.ndim != 2 else 0.0",
        "matrices decay, and biases and norms do not; now it is the other way round",
        "With a weight decay of 0 all is right. And with a gradient of 0, who still moves?",
    ),
    20: Hunt(
        "20.3",
        2,
        "shuffle = restore",
        "restore leads from the shuffled order to the patches, and its inverse, argsort, back; where places are only "
        "exchanged in pairs the two are the same",
        "Exchanging two places undoes itself, going round three does not. Which line should turn a way round?",
    ),
    21: Hunt(
        "21.3",
        9,
        "",
        "a side of the intersection that is 0 came out of max(..., 0), and nothing may go through; without this line a "
        "box beside its target gets the gradient of an intersection that is not there",
        "Boxes that overlap are right. Of boxes that stand beside each other, how long is the other side of `inter`?",
    ),
    22: Hunt(
        "22.4",
        8,
        "dscale = (du * u).sum(1)",
        "what 1 + scale multiplied is h; u has shift and scale in it already, and is h only while both are 0, as in a "
        "fresh model",
        "With a shift and a scale of 0 all is right. Which two arrays are equal then, and can be confused?",
    ),
    23: Hunt(
        "23.5",
        10,
        "weighted = found @ scores / len(labels)",
        "the weights are the support, how often a class is true; found is how often it was said, and the two are the "
        "same only where each class is said as often as it is true",
        "Two classes mixed up equally often do no harm. Which two counts are the same then, and can be confused?",
    ),
    24: Hunt(
        "24.1",
        3,
        "best = matrix.max(0)",
        "the best is that of the rows before the last; with the last among them, a task that got better counts as 0",
        "Where all was forgotten it is right. What is special about a task that is best at the very end?",
    ),
    25: Hunt(
        "25.4",
        10,
        "dloss = (p - target) / B",
        "the labels' part has no temperature: its gradient is softmax of the logits as they are, less the target; p is "
        "softened, and the two are the same only at T = 1",
        "With T = 1 all is right, and with alpha = 1, too. Which two arrays are equal at T = 1, and can be confused?",
    ),
    26: Hunt(
        "26.4",
        6,
        "near = r <= delta",
        "near and far are told by |r|: where the law says far too little, r is far below 0, and its square must not "
        "count in full",
        "Where the law says too much all is right, and so it is near 0. The gradient is right everywhere: which line "
        "is used by the loss alone, and takes a large negative number for a small one?",
    ),
    27: Hunt(
        "27.3",
        4,
        "",
        "without the class token a row does not add up to 1: the patches' shares must be divided by their new sum",
        "Where nobody looks at the class token it is right. Which line should leave that token out, and does not?",
    ),
}
