"""Findings of Appendices B and C but for C.3: data, other losses, OOD data, ablation, other models."""

from collections.abc import Mapping

from srnet.claims.claim import Claim, on
from srnet.claims.guessing import DUPLICATE, FULL_NAME, OTHER
from srnet.claims.measures import (
    ID,
    LAST,
    OOD,
    PLMS,
    Line,
    best_of,
    both,
    clearly_exceeds,
    comparable,
    exceeds,
    larger_on,
    mostly,
    narrows,
    peaks_early,
    robust,
    steadier,
)
from srnet.claims.section_4 import ALL, BOTH, MODERATE, pattern, unbiased_lines
from srnet.data.tasks import DATASETS
from srnet.paper import (
    CONSTANT_ANSWERS,
    ROBERTA_GAINS,
    SYM2_OOD_EXAMPLES,
    TABLE_5,
    TABLE_5_WON,
    TABLE_6,
    Score,
)

ALMOST_ALWAYS = 0.9  # share of cases: ours


def _gain(line: Mapping[str, Score], over: Mapping[str, Score], *names: str) -> str:
    """Return by how much the means of one row of a table of the paper's are above those of another, in words."""
    return ", ".join(f"{DATASETS[name]} {line[name].mean - over[name].mean:+.2f}" for name in names)


def _methods() -> tuple[Claim, ...]:
    low = Line("mask-training", "mask train (poe), 20 %", levels=(), axis="step")
    hard, soft = (Line("mask-training", f"gradual 0.7~0.9, {init}", levels=(), taken=LAST) for init in ("hard", "soft"))
    return (
        Claim(
            "B.1",
            "(1)",
            "On PAWS-QQP, answering non-duplicate to everything is far more accurate than answering duplicate.",
            on(exceeds(Line("figure-2", OTHER), Line("figure-2", DUPLICATE), ("paws-qqp",)), "paraphrase"),
            f"{CONSTANT_ANSWERS['duplicate']:g} to {CONSTANT_ANSWERS['non-duplicate']:g} %",
        ),
        Claim(
            "B.3.3",
            "fine-tuned",
            "At low sparsity, mask training with the debiasing loss raises the OOD scores all along, while the ID "
            "score peaks early, dips and recovers.",
            on(peaks_early(low)),
            "so masks are chosen after 0.7 of the steps",
        ),
        Claim(
            "B.3.3",
            "gradual",
            "Masks that start hard are difficult to train where the sparsity rises.",
            on(exceeds(soft, hard, BOTH)),
        ),
    )


def _other_losses() -> tuple[Claim, ...]:
    full = Line("figure-s1", FULL_NAME)
    poe, reweight, confreg = (Line("figure-s1", f"mask train ({loss})") for loss in ("poe", "reweight", "confreg"))
    mild = confreg.at(*MODERATE)
    others = [line.at(*MODERATE) for line in (poe, reweight)]
    return (
        Claim(
            "C.1",
            "(1)",
            "With any of the debiasing losses, the search almost always finds subnetworks that generalise better than "
            "the full model.",
            on(
                mostly(
                    both(*(exceeds(line.at(*ALL), full, (OOD,)) for line in (poe, reweight, confreg))), ALMOST_ALWAYS
                )
            ),
        ),
        Claim(
            "C.1",
            "(2a)",
            "Confidence regularisation gains only little out of distribution.",
            on(both(exceeds(mild, full, (OOD,)), *(exceeds(other, mild, (OOD,)) for other in others))),
        ),
        Claim(
            "C.1",
            "(2b)",
            "It keeps more of the ID score than the two other losses.",
            on(both(*(exceeds(mild, other, (ID,)) for other in others))),
        ),
    )


def _with_ood_data() -> tuple[Claim, ...]:
    full, fine_tuned, _, _ = unbiased_lines("figure-s2")
    return (
        Claim(
            "C.2",
            "(1)",
            "With OOD examples, the three ways compare on the other tasks as they do in NLI.",
            on(both(*pattern("figure-s2").values()), "paraphrase", "fact"),
        ),
        Claim(
            "C.2",
            "(2)",
            "OOD scores are not perfect there as on HANS, but far less behind ID scores than the full model's.",
            {
                "paraphrase": narrows(fine_tuned, full, ("paws-qqp", "paws-wiki")),
                "fact": narrows(fine_tuned, full, ("sym1",)),
            },
            "100 % not reached",
        ),
        Claim(
            "C.2",
            "(3)",
            "The second FEVER-Symmetric set is an exception, with few OOD examples to learn from.",
            on(larger_on("sym1", "sym2", fine_tuned, full), "fact"),
            f"{SYM2_OOD_EXAMPLES} examples",
        ),
    )


def _ablation() -> tuple[Claim, ...]:
    def row(name: str) -> Line:
        return Line("table-5", name, (0.9,))

    hard, soft = row("fixed, hard"), row("fixed, soft")
    rising = [row(f"gradual {start}~0.9") for start in (0.2, 0.5, 0.7)]
    best, others = rising[-1], (hard, soft, *rising[:-1])
    in_paper = [TABLE_5[name] for name in ("fixed hard", "fixed soft", "gradual 0.7~0.9")]

    return (
        Claim(
            "C.4",
            "(1)",
            "At a fixed 90 %, masks that start softly are clearly better than masks that start hard, on QQP and in "
            "fact verification.",
            {
                "paraphrase": clearly_exceeds(soft, hard, ("qqp",)),
                "fact": clearly_exceeds(soft, hard, BOTH),
            },
            _gain(in_paper[1], in_paper[0], "qqp", "fever", "sym1", "sym2"),
        ),
        Claim(
            "C.4",
            "(2a)",
            "Rising sparsity is better still, in its best form.",
            on(best_of(rising, soft, BOTH)),
            _gain(in_paper[2], in_paper[1], *in_paper[2]),
        ),
        Claim(
            "C.4",
            "(2b)",
            "Rising from 70 % is best on all data sets but PAWS-QQP.",
            {
                task: both(*(exceeds(best, other, where) for other in others))
                for task, where in (("nli", BOTH), ("paraphrase", ("qqp", "paws-wiki")), ("fact", BOTH))
            },
            f"{TABLE_5_WON} of {len(in_paper[2])} data sets",
        ),
    )


def _other_models() -> tuple[Claim, ...]:
    found = {}
    for name in PLMS:
        full, masks = Line("table-6", "full (std)", plm=name), Line("table-6", "mask train (poe)", plm=name)
        rising = Line("table-6", "gradual 0.5~0.7", (0.7,), plm=name)
        found[name] = full, masks.at(0.5), masks.at(0.7), rising
    in_paper = dict(zip(PLMS, TABLE_6.values(), strict=True))

    def gain(name: str, line: str, over: str) -> str:
        rows = in_paper[name]
        return _gain(rows[line], rows[over], "mnli-m", "hans")

    def better(name: str, item: str) -> Claim:
        _, _, fixed, rising = found[name]
        return Claim(
            "C.5",
            f"{name} {item}",
            f"In {name}, rising sparsity is better at 70 %, in and out of distribution.",
            on(exceeds(rising, fixed, BOTH), "nli"),
            gain(name, "mask train 0.5~0.7", "mask train 0.7"),
        )

    (full, half, fixed, _), (large, large_half, large_fixed, large_rising) = found.values()
    roberta, bert_large = PLMS
    spreads = [in_paper[bert_large][f"mask train {schedule}"] for schedule in ("0.7", "0.5~0.7")]
    return (
        Claim(
            "C.5",
            "RoBERTa-base (1)",
            "Masks of half of RoBERTa-base are far better on HANS than all of it, and little worse in distribution.",
            on(both(clearly_exceeds(half, full, (OOD,)), robust(half, full)), "nli"),
            ", ".join(f"{DATASETS[name]} {gain:+.2f}" for name, gain in ROBERTA_GAINS.items()),
        ),
        Claim(
            "C.5",
            "RoBERTa-base (2a)",
            "At a fixed 70 % they are poor in distribution, and no better on HANS than the full model.",
            on(both(clearly_exceeds(full, fixed, (ID,)), comparable(fixed, full, (OOD,))), "nli"),
            gain(roberta, "mask train 0.7", "full std"),
        ),
        better(roberta, "(2b)"),
        Claim(
            "C.5",
            "BERT-large (1)",
            "BERT-large has sparse and robust subnetworks of half of its weights.",
            on(robust(large_half, large), "nli"),
            gain(bert_large, "mask train 0.5", "full std"),
        ),
        better(bert_large, "(2)"),
        Claim(
            "C.5",
            "BERT-large (3)",
            "At a fixed 70 % it varies much between runs, with rising sparsity little.",
            on(steadier(large_rising, large_fixed, BOTH), "nli"),
            "spread "
            + ", ".join(
                f"{DATASETS[name]} {spreads[0][name].std:.2f} against {spreads[1][name].std:.2f}" for name in spreads[0]
            ),
        ),
    )


CLAIMS = (*_methods(), *_other_losses(), *_with_ood_data(), *_ablation(), *_other_models())
