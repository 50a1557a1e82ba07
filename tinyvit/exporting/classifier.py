"""Graph of a classifier: images -> logits, attention maps, hidden states, and gradients of the logit of one class."""

import numpy as np

from ..errors import UserError
from ..looking import look
from ..vit import VisionTransformer
from .graph import BATCH, Graph, Value
from .images import normalise_backward
from .layers import backward, forward
from .pools import head_backward, head_forward, pool_backward, pool_forward
from .subject import Arrays, Wanted, normalised, random_images, take_images
from .vit import encoder_answers, features_backward, features_forward, give_encoder

TARGET = "target"


class Classifier:
    """images (B, C, H, W), or words (B, C, 1, T), -> "logits" (B, K), or "features", (B, D) as a rule.

    Raises:
        UserError: gradients are wanted of a model that has no logits, or reads words.
    """

    def __init__(self, model: VisionTransformer, wanted: Wanted):
        self.model, self.wanted, config = model, wanted, model.config
        if wanted.gradients and (config.stem == "words" or not config.num_classes):
            what = "reads words" if config.stem == "words" else "has no classes"
            raise UserError(f"gradients are of the logit of a class of an image, and this model {what}: leave them out")

    def build(self, g: Graph) -> None:
        model, wanted, config = self.model, self.wanted, self.model.config
        N, D, K = config.num_tokens, config.embed_dim, config.num_classes
        is_whole = wanted.attention or wanted.hidden_states or wanted.gradients or not config.depth
        num_queries = None if is_whole else config.num_queries
        x, features = features_forward(g, model, take_images(g, config, wanted), num_queries=num_queries)
        x, pool = pool_forward(g, model.pool, x, config, num_queries or N)
        x, fc_norm = forward(g, model.fc_norm, x)
        y = head_forward(g, model.head, x, D)
        width = D if config.pool == "cls+dist" else config.num_pooled
        g.output("logits" if K else "features", y, (BATCH, K or width))
        give_encoder(g, config, features, wanted)
        if wanted.gradients:
            dx = head_backward(g, model.head, one_hot(g, g.input(TARGET, (BATCH,), np.int64), K))
            dx = backward(g, model.fc_norm, dx, fc_norm)
            dx = pool_backward(g, model.pool, dx, pool, config)
            dimages, dattention = features_backward(g, model, dx, features)
            if wanted.statistics:
                dimages = normalise_backward(g, dimages, wanted.statistics.std)
            g.output("dimages", dimages, (BATCH, *config.input_shape))
            for b, dweights in enumerate(dattention):
                g.output(f"dattention.{b}", dweights, (BATCH, config.num_heads, N, N))

    def inputs(self, rng: np.random.Generator, count: int) -> Arrays:
        given = random_images(self.model.config, self.wanted, self.model.dtype, rng, count)
        return (
            given | {TARGET: rng.integers(0, self.model.config.num_classes, count)} if self.wanted.gradients else given
        )

    def answers(self, given: Arrays) -> Arrays:
        model, wanted = self.model, self.wanted
        x = normalised(given, wanted, model.dtype)
        found = {"logits" if model.config.num_classes else "features": model.predict(x)}
        found |= encoder_answers(model, x, wanted)
        if wanted.gradients:
            gradients = look(model, x).backward(given[TARGET])
            scale = 255 * wanted.statistics.std if wanted.statistics else 1.0
            found |= {"dimages": (gradients.images / scale).astype(x.dtype)}
            found |= {f"dattention.{b}": dweights for b, dweights in enumerate(gradients.attention)}
        return found


def one_hot(g: Graph, target: Value, num_classes: int) -> Value:
    """Classes (B,) -> (B, K), the gradient of the logit of each by the logits."""
    off_on = g.weight(np.array([0.0, 1.0]), "off_on")
    return g("OneHot", target, g.index(num_classes), off_on, axis=-1)
