"""Two readings of a batch by other experts are to agree, as AdaMix (arXiv 2205.12410) asks."""

from torch import Tensor
from torch.nn.functional import kl_div, log_softmax
from transformers import PreTrainedModel

from finegates.adapters.hooks import Hooks


class Consistency(Hooks):
    """Reads every batch twice, with draws and dropout anew, and adds how far apart the answers are.

    The weight is 1, in AdaMix's LoRA form too: the authors' code (github.com/microsoft/AdaMix,
    commit d361e9d) has 1 for their adapters and 100 for LoRA, but that with GPT-2 on generation
    alone. The task's loss is that of the first reading. A step costs about twice as much.

    A regression's one logit has a softmax of 1, so its divergence is always 0: it is read once.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__(model)
        self.reads_twice = model.config.num_labels != 1

    def agreement(self, first: Tensor, second: Tensor) -> Tensor:
        """``(KL(sg(q) to p) + KL(sg(p) to q)) / 2``, sg being what has no gradient.

        Args:
            first: Logits of p, shape ``(rows, classes)``; of a causal language model
                ``(rows, tokens, vocabulary)``, where padding counts as any other token.
            second: The same of q.

        Returns:
            The mean over rows, or over rows and tokens (our choice: the authors have no such case).
        """
        p, q = (log_softmax(logits.float().flatten(0, -2), -1) for logits in (first, second))
        return (_divergence(p, q.detach()) + _divergence(q, p.detach())) / 2


def _divergence(answers: Tensor, target: Tensor) -> Tensor:
    """The mean over rows of ``KL(target to answers)``, both as log-probabilities."""
    return kl_div(answers, target, reduction="batchmean", log_target=True)
