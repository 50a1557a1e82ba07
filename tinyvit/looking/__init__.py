"""Looking into a model: what it looks at, as numbers. One `look`, a forward that forgets nothing, serves all of it.

seen = look(model, images)               attention of any token, block and head; the residual stream
attribution_maps(seen, 7, fill=...)      attention, rollout, relevance, gradients: why class 7?
covering(model, image, 7, fill=...)      the same question, tried
logit_parts(seen, 7), logit_lens(seen)   the logit as a sum of what was written; the head asked after each block
head_parts, score_terms, without_heads   single heads
attention_gradients, norm_gradients      the backward of one head, and of a token's layer norm, number by number
adversarial_step                         the image changed a little, against a class
rank_correlation, deletion_insertion, score_maps   how well a map agrees with what was tried
"""

from .adversarial import adversarial_step
from .agreement import rank_correlation
from .attention_gradients import AttentionGradients, attention_gradients
from .covering import Windows, covered, covering
from .curves import curve_masks, deletion_insertion
from .heads import head_parts, score_terms, without_heads
from .look import LogitGradients, Look, look
from .maps import attribution_maps, patch_sums
from .norm_gradients import NormGradients, norm_gradients
from .readers import on_grid, readers
from .readout import readout
from .relevance import attention_relevance, relevance_by_block
from .rollout import attention_rollout
from .score import MapScore, score_maps
from .stream import logit_lens, logit_parts, part_names, token_similarity

__all__ = [
    "AttentionGradients",
    "LogitGradients",
    "Look",
    "MapScore",
    "NormGradients",
    "Windows",
    "adversarial_step",
    "attention_gradients",
    "attention_relevance",
    "attention_rollout",
    "attribution_maps",
    "covered",
    "covering",
    "curve_masks",
    "deletion_insertion",
    "head_parts",
    "logit_lens",
    "logit_parts",
    "look",
    "norm_gradients",
    "on_grid",
    "part_names",
    "patch_sums",
    "rank_correlation",
    "readers",
    "readout",
    "relevance_by_block",
    "score_maps",
    "score_terms",
    "token_similarity",
    "without_heads",
]
