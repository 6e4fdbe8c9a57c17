"""What the paper says beside its findings: it sums them up, suggests something, or says what cannot be tested."""

from srnet.claims.claim import Restated

_SUMS_UP = "sums up findings that are tested"

RESTATED = (
    Restated(
        "Abstract",
        "SRNets exist, below 70 % sparsity for one: in fine-tuned BERT, as structures to fine-tune, and with no weight "
        "changed.",
        _SUMS_UP,
        (("4.2.2", "std (4a)"), ("4.3.2", "(end)"), ("4.4.2", "(2)")),
    ),
    Restated(
        "Abstract",
        "With OOD examples there are nearly unbiased subnetworks, even in a biased fine-tuned BERT.",
        _SUMS_UP,
        (("4.5.2", "(1)"),),
    ),
    Restated("1", "A debiased BERT can be pruned and stays as good.", _SUMS_UP, (("4.2.2", "PoE (2b)"),)),
    Restated("1", "Starting the search earlier lowers the total cost.", _SUMS_UP, (("5.1", "(c)"), ("5.1", "(d)"))),
    Restated("1", "Rising sparsity helps at high sparsity.", _SUMS_UP, (("5.2", "(2)"),)),
    Restated("4.1.3", "Good subnetworks of high sparsity need longer training.", _SUMS_UP, (("5.2", "(1)"),)),
    Restated(
        "4.5.2",
        "Subnetworks almost without bias exist in all three ways.",
        _SUMS_UP,
        (("4.5.2", "(1)"), ("4.5.2", "(2a)"), ("4.5.2", "(3c)")),
    ),
    Restated(
        "5.1",
        "The exact moment to start cannot be told without the curves of all starts.",
        "it says what cannot be done, which no experiment shows",
    ),
    Restated(
        "E.1",
        "Fine-tuning can be stopped once several evaluations in a row bring nothing.",
        "it is a suggestion, which the paper does not try",
    ),
    Restated(
        "E.1",
        "Who can spend little finds SRNets at half of the weights without fine-tuning.",
        _SUMS_UP,
        (("4.4.2", "(2)"),),
    ),
    Restated(
        "D",
        "Sparse subnetworks that are more robust than the full model exist throughout.",
        _SUMS_UP,
        (("4.2.2", "std (2)"), ("4.2.2", "std (3c)"), ("4.2.2", "std (4a)")),
    ),
)
