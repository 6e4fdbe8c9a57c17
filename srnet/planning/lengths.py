"""How many tokens the pairs of a data set have on average, as counted beforehand."""

from collections.abc import Mapping

from srnet.data.tasks import TASKS
from srnet.experiments.expressions import Data

# Mean tokens of a pair, cut at 128, of each data set; a training set is as its development set; "with OOD" is the
# training set with the OOD training examples.
#
# Official files, in BERT's uncased vocabulary. Counted in 25,931 pairs of MNLI's training set (40.0) and its dev set
# (39.1), HANS's templates under another seed, 11,946 pairs of QQP's training set, PAWS-QQP's evaluation set, 8,866
# claims with their evidence drawn from FEVER's development set, and the Symmetric files. Standard errors are 0.3 %
# (MNLI), 0.1 % (HANS), 0.4 % (QQP) and 0.5 % (FEVER; but the sample has no claims without enough evidence). PAWS-Wiki
# was not at hand: an assumption, from six sentences of its dataset card with 29 tokens on average. "With OOD" is
# weighted by the official sizes. RoBERTa's tokenizer is taken to give as many tokens.
OFFICIAL: Mapping[str, Mapping[str, float]] = {
    "nli": {"mnli-m": 39.8, "hans": 17.8, "with OOD": 38.2},
    "paraphrase": {"qqp": 30.7, "paws-qqp": 48.2, "paws-wiki": 60.2, "with OOD": 34.6},
    "fact": {"fever": 63.3, "sym1": 46.8, "sym2": 47.0, "with OOD": 62.8},
}
# The pocket world's, in its own vocabulary, counted in all pairs of the study's world (`World()`), those of the ID data
# sets in the training set.
POCKET: Mapping[str, Mapping[str, float]] = {
    "nli": {"mnli-m": 20.9, "hans": 18.2, "with OOD": 20.0},
    "paraphrase": {"qqp": 21.3, "paws-qqp": 18.4, "paws-wiki": 25.3, "with OOD": 21.4},
    "fact": {"fever": 22.8, "sym1": 23.1, "sym2": 23.1, "with OOD": 22.9},
}


def mean_length(data: Data, name: str) -> float:
    """Return the mean number of tokens of a data set's pairs; a user's own files are taken to be as the official ones.

    Args:
        data: the task and its text.
        name: "train", the ID development set or an OOD test set.
    """
    known = (POCKET if data.world else OFFICIAL)[data.task]
    if name == "train":
        name = "with OOD" if data.with_ood else TASKS[data.task].dev_name
    return known[name]
