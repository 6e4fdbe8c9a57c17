"""Findings of Section 4 (Figures 2 to 6), and what Section 5 says of them at its beginning."""

from srnet.claims.claim import Claim, on
from srnet.claims.guessing import FULL_NAME
from srnet.claims.measures import (
    ID,
    NEAR,
    OOD,
    Line,
    Measure,
    at_least,
    both,
    clearly_exceeds,
    comparable,
    drops,
    either,
    exceeds,
    jumps,
    keeps,
    mostly,
    never,
    on_average,
    percentages,
    reaches,
    robust,
    slightly_below,
)
from srnet.data.tasks import DATASETS
from srnet.paper import (
    KEPT,
    KEPT_UP_TO,
    RAW_UP_TO,
    SRNET_SPARSITIES,
    TABLE_2,
    UNBIASED_FINE_TUNED_HANS,
    UNBIASED_HANS,
)
from srnet.study.guessing import EVEN, expected_f1

# Lines are named for what the paper draws: by how the mask is found, and by the figure where several have them.
MODERATE, LOW = (0.2, 0.5, 0.7), (0.2, 0.5)
ALL = (*MODERATE, 0.9)
BOTH, PAWS = (ID, OOD), ("paws-qqp", "paws-wiki")
NEARLY_PERFECT, HIGH = 97.0, 90.0  # % on HANS that count as nearly 100, and as very high: ours

FULL = Line("figure-2", FULL_NAME)
MASK, MASK_POE, IMP, IMP_POE = (
    Line("figure-2", f"{method} ({loss})") for method in ("mask train", "imp") for loss in ("std", "poe")
)
FULL_3, FULL_POE_3, DEBIASED_MASK, DEBIASED_IMP = (
    Line("figure-3", name) for name in (FULL_NAME, "full bert (poe)", "mask train (poe)", "imp (poe)")
)
MASK_POE_3 = Line("figure-3", "full bert (std) -> mask train (poe)")
FULL_4 = {loss: Line("figure-4", f"full bert ({loss})") for loss in ("std", "poe")}
MASK_4, IMP_4 = (
    {loss: Line("figure-4", f"{search} (poe) -> ft ({loss})") for loss in ("std", "poe")}
    for search in ("mask train", "imp-rw")
)
SEARCHES = ((MASK, MASK_POE), (IMP, IMP_POE))  # of Figure 2, with cross-entropy and with the debiasing loss
FULL_5, FULL_POE_5, RAW, RAW_POE, MASK_POE_5 = (
    Line("figure-5", name)
    for name in (
        FULL_NAME,
        "full bert (poe)",
        "mask train (std)",
        "mask train (poe)",
        "full bert (std) -> mask train (poe)",
    )
)


_STD = (
    Claim(
        "4.2.2",
        "std (opening)",
        "BERT fine-tuned with cross-entropy is good in distribution and far worse out of distribution.",
        on(drops(FULL)),
    ),
    Claim(
        "4.2.2",
        "std (1)",
        "Whichever of the four methods prunes it, the full model's score in distribution is nearly kept up to medium "
        "sparsity.",
        on(both(*(keeps(line.at(*MODERATE), FULL) for line in (MASK, MASK_POE, IMP, IMP_POE)))),
        f"{100 * KEPT:g} % kept, up to {100 * KEPT_UP_TO:g} % sparsity",
    ),
    Claim(
        "4.2.2",
        "std (2)",
        "Pruning alone, with cross-entropy, generalises a little better to HANS and PAWS than the full model.",
        on(both(*(exceeds(line.at(*MODERATE), FULL, (OOD,)) for line in (MASK, IMP))), "nli", "paraphrase"),
    ),
    Claim(
        "4.2.2",
        "std (3a)",
        "Pruning with the debiasing loss generalises better still, by mask training and by magnitude.",
        on(both(*(exceeds(poe.at(*MODERATE), std.at(*MODERATE), (OOD,)) for std, poe in SEARCHES))),
    ),
    Claim(
        "4.2.2",
        "std (3b)",
        "The debiasing loss costs a little of the score in distribution, which stays nearly that of the full model.",
        on(
            both(
                *(exceeds(std.at(*MODERATE), poe.at(*MODERATE), (ID,)) for std, poe in SEARCHES),
                *(keeps(line.at(*MODERATE), FULL) for line in (MASK_POE, IMP_POE)),
            )
        ),
        f"{100 * KEPT:g} % kept",
    ),
    Claim(
        "4.2.2",
        "std (3c)",
        "A fine-tuned BERT that relies on the bias has sparse and robust subnetworks (SRNets) in it: masks find them "
        "and change no weight.",
        on(either(*(robust(MASK_POE.at(level), FULL) for level in MODERATE))),
    ),
    Claim(
        "4.2.2",
        "std (4a)",
        "There are SRNets over a wide range of sparsity.",
        on(robust(MASK_POE.at(*MODERATE), FULL)),
        percentages(SRNET_SPARSITIES, " to "),
    ),
    Claim(
        "4.2.2",
        "std (4b)",
        "At 90 % sparsity there are none.",
        on(both(*(never(robust(line.at(0.9), FULL)) for line in (MASK_POE, IMP_POE)))),
    ),
    Claim(
        "4.2.2",
        "std (5a)",
        "Some methods score higher on PAWS at 90 % sparsity than at 70 %, while they collapse on QQP.",
        on(either(*(jumps(line.at(0.7, 0.9)) for line in (MASK, MASK_POE, IMP, IMP_POE))), "paraphrase"),
    ),
    Claim(
        "4.2.2",
        "std (5b)",
        "PAWS has more of one class than of the other, so even a random guess scores above the biased full model.",
        on(exceeds(Line("figure-2", EVEN), FULL, PAWS), "paraphrase"),
        "a guess has, by the shares of Table 2, "
        + ", ".join(
            f"{DATASETS[name]} {100 * expected_f1(TABLE_2[name, split]['duplicate'] / 100):.1f}"
            for name, split in (("paws-qqp", "dev"), ("paws-wiki", "test"))
        ),
    ),
    Claim(
        "4.2.2",
        "std (end a)",
        "In general, mask training finds better subnetworks than iterative magnitude pruning.",
        on(
            mostly(
                both(
                    exceeds(MASK.at(*ALL), IMP.at(*ALL), BOTH),
                    exceeds(MASK_POE.at(*MODERATE), IMP_POE.at(*MODERATE), BOTH),
                )
            )
        ),
    ),
    Claim(
        "4.2.2",
        "std (end b)",
        "With the debiasing loss at 90 % sparsity it is the other way round on QQP and FEVER.",
        {
            "paraphrase": exceeds(IMP_POE.at(0.9), MASK_POE.at(0.9), (ID,)),
            "fact": exceeds(IMP_POE.at(0.9), MASK_POE.at(0.9), BOTH),
        },
    ),
)

_POE = (
    Claim(
        "4.2.2",
        "PoE (1)",
        "Fine-tuned with the debiasing loss, the full model is clearly better out of distribution, and a little worse "
        "in distribution.",
        on(both(clearly_exceeds(FULL_POE_3, FULL_3, (OOD,)), slightly_below(FULL_POE_3, FULL_3, (ID,)))),
    ),
    Claim(
        "4.2.2",
        "PoE (2a)",
        "Subnetworks of the debiased BERT are no better than all of it.",
        on(both(*(reaches(FULL_POE_3, line.at(*ALL), BOTH) for line in (DEBIASED_MASK, DEBIASED_IMP)))),
    ),
    Claim(
        "4.2.2",
        "PoE (2b)",
        "Up to medium sparsity they are about as good, in and out of distribution.",
        on(both(*(comparable(line.at(*MODERATE), FULL_POE_3, BOTH) for line in (DEBIASED_MASK, DEBIASED_IMP)))),
        "up to 70 %",
    ),
    Claim(
        "4.2.2",
        "PoE (3)",
        "Searched with the debiasing loss, subnetworks of the biased and of the debiased BERT are about as good, so "
        "that the full model need not be debiased first.",
        on(comparable(MASK_POE_3.at(*ALL), DEBIASED_MASK.at(*ALL), BOTH)),
    ),
    Claim(
        "4.2.2",
        "PoE (4a)",
        "In the debiased BERT, magnitude pruning is slightly behind mask training up to medium sparsity.",
        on(slightly_below(DEBIASED_IMP.at(*MODERATE), DEBIASED_MASK.at(*MODERATE), BOTH)),
    ),
    Claim(
        "4.2.2",
        "PoE (4b)",
        "At 90 % sparsity it is ahead in fact verification.",
        on(exceeds(DEBIASED_IMP.at(0.9), DEBIASED_MASK.at(0.9), BOTH), "fact"),
    ),
)

_ISOLATED = (
    Claim(
        "4.3.2",
        "(1)",
        "Masks found with the debiasing loss, put on the pre-trained BERT and fine-tuned with cross-entropy, "
        "generalise better than the full model fine-tuned so.",
        on(exceeds(MASK_4["std"].at(*MODERATE), FULL_4["std"], (OOD,))),
    ),
    Claim(
        "4.3.2",
        "(2)",
        "Fine-tuned with the debiasing loss, subnetworks of both searches are about as good as the full model "
        "fine-tuned so.",
        on(both(*(comparable(found["poe"].at(*MODERATE), FULL_4["poe"], BOTH) for found in (IMP_4, MASK_4)))),
    ),
    Claim(
        "4.3.2",
        "(3)",
        "For most subnetworks, fine-tuning with the debiasing loss generalises clearly better than with cross-entropy.",
        on(
            mostly(
                both(
                    *(
                        clearly_exceeds(found["poe"].at(*ALL), found["std"].at(*ALL), (OOD,))
                        for found in (MASK_4, IMP_4)
                    )
                )
            )
        ),
    ),
    Claim(
        "4.3.2",
        "(end)",
        "The pre-trained BERT contains SRNets that, fine-tuned alone with either loss, match or beat the full model "
        "fine-tuned with the same loss, in and out of distribution.",
        on(
            both(
                reaches(MASK_4["std"].at(*MODERATE), FULL_4["std"], BOTH),
                *(reaches(found["poe"].at(*MODERATE), FULL_4["poe"], BOTH) for found in (MASK_4, IMP_4)),
            )
        ),
    ),
    Claim(
        "5",
        "(opening)",
        "In isolation too, mask training generally does better than magnitude pruning.",
        on(
            on_average(
                both(*(exceeds(MASK_4[loss].at(*MODERATE), IMP_4[loss].at(*MODERATE), BOTH) for loss in ("std", "poe")))
            )
        ),
    ),
)

_UNTRAINED = (
    Claim(
        "4.4.2",
        "(1)",
        "Masks trained with cross-entropy in the pre-trained BERT, up to half of the weights removed, keep up with the "
        "fine-tuned full model.",
        on(both(keeps(RAW.at(*LOW), FULL_5), reaches(RAW.at(*LOW), FULL_5, (OOD,)))),
        f"up to {100 * RAW_UP_TO:g} %",
    ),
    Claim(
        "4.4.2",
        "(2)",
        "Masks trained there with the debiasing loss are about as good as the full model that was debiased: SRNets "
        "exist before any fine-tuning.",
        on(both(comparable(RAW_POE.at(*LOW), FULL_POE_5, BOTH), robust(RAW_POE.at(*LOW), FULL_5))),
        f"up to {100 * RAW_UP_TO:g} %",
    ),
    Claim(
        "4.4.2",
        "(3a)",
        "In some cases they match those of the fine-tuned BERT: on PAWS, and in fact verification up to half of the "
        "weights.",
        {
            "paraphrase": reaches(RAW_POE.at(*MODERATE), MASK_POE_5.at(*MODERATE), PAWS),
            "fact": reaches(RAW_POE.at(*LOW), MASK_POE_5.at(*LOW), BOTH),
        },
        f"FEVER up to {100 * RAW_UP_TO:g} %",
    ),
    Claim(
        "4.4.2",
        "(3b)",
        "Overall, those of the fine-tuned BERT are better.",
        on(on_average(exceeds(MASK_POE_5.at(*ALL), RAW_POE.at(*ALL), BOTH))),
    ),
)


def unbiased_lines(figure: str) -> tuple[Line, Line, Line, Line]:
    """Return the curves of Section 4.5: the full model, and the masks of the three ways."""
    names = (FULL_NAME, "bert-ft subnet", "bert-pt subnet", "bert-pt subnet + ft")
    full, fine_tuned, raw, isolated = (Line(figure, name) for name in names)
    return full, fine_tuned.at(*MODERATE), raw.at(*MODERATE), isolated.at(*MODERATE)


def pattern(figure: str) -> dict[str, Measure]:
    """Return what Section 4.5.2 says of how the three ways compare, by its item."""
    full, fine_tuned, raw, isolated = unbiased_lines(figure)
    extremes = [exceeds(isolated, other, (ID,)) for other in (fine_tuned, raw)]
    extremes += [exceeds(other, isolated, (OOD,)) for other in (fine_tuned, raw)]
    return {
        "2b": exceeds(fine_tuned, raw, (ID,)),
        "3a": both(*extremes),
        "3b": clearly_exceeds(isolated, full, (OOD,)),
    }


def _unbiased() -> tuple[Claim, ...]:
    full, fine_tuned, raw, isolated = unbiased_lines("figure-6")
    compared = pattern("figure-6")
    return (
        Claim(
            "4.5.2",
            "(1)",
            "Searched with the help of OOD examples, subnetworks of the fine-tuned BERT are nearly perfect on HANS and "
            "close to the full model in distribution.",
            on(both(at_least(fine_tuned, NEARLY_PERFECT, (OOD,)), keeps(fine_tuned, full)), "nli"),
            f"nearly {UNBIASED_HANS:g} % on HANS, at {percentages(SRNET_SPARSITIES, ' to ')}",
        ),
        Claim(
            "4.5.2",
            "(2a)",
            "Subnetworks of the pre-trained BERT that are found so are very good on HANS too.",
            on(at_least(raw, HIGH, (OOD,)), "nli"),
        ),
        Claim(
            "4.5.2",
            "(2b)",
            "In distribution they are worse than those of the fine-tuned BERT.",
            on(compared["2b"], "nli"),
        ),
        Claim(
            "4.5.2",
            "(3a)",
            "Put on the pre-trained BERT and fine-tuned, the masks are the best of the three ways in distribution and "
            "the worst out of distribution.",
            on(compared["3a"], "nli"),
        ),
        Claim(
            "4.5.2",
            "(3b)",
            "Even so they rely far less on the bias than the full model.",
            on(compared["3b"], "nli"),
        ),
        Claim(
            "4.5.2",
            "(3c)",
            "At half of the weights they are very good on HANS.",
            on(at_least(isolated.at(0.5), UNBIASED_FINE_TUNED_HANS - NEAR, (OOD,)), "nli"),
            f"nearly {UNBIASED_FINE_TUNED_HANS:g} %",
        ),
    )


CLAIMS = (*_STD, *_POE, *_ISOLATED, *_UNTRAINED, *_unbiased())
