"""Word vectors for the bias models (Appendix B.3.1 of the paper): read from a fastText file, or trained by fastText."""

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from srnet.errors import InputError
from srnet.files import numbered_lines, refuse_pointer

_WORD = re.compile(r"[^\W_]+")

# Training: what differs from fastText's own settings for skip-gram is explained at `WordVectors.train`.
DIMENSION = 100
MIN_COUNT = 5
MAX_EPOCHS = 5
WORDS_TO_READ = 12_000_000  # over all epochs
SUBSAMPLING = 1e-3
SEED = 0  # of the first vectors; fastText's own generator always starts from its default seed
_INITIAL_STEPS = 1000  # first vectors are multiples of 1e-5 up to 1000e-5, fastText's own bound of 1 / DIMENSION

_BIN_HEADER = struct.Struct("<2i12id3i2q")  # magic, version; 12 settings, t; words and labels, words, labels; counts
_BIN_MAGIC = 793712314


def words_of(sentence: str) -> list[str]:
    """Return a sentence's words: the maximal runs of letters and digits (`str.isalnum`) in its lower-cased text.

    Everything else separates words and is dropped. So "Don't, U.S.!" has the words don, t, u, s.
    """
    return _WORD.findall(sentence.lower())


@dataclass(frozen=True, eq=False)
class WordVectors:
    """Vectors of words.

    Attributes:
        dimension: length d of a vector.
        find: returns the vectors of V words as float32 [V, d], of any length; zeros for an unknown word.
        name: what they are called in an error.
        guessed: tells of V words, bool [V], which have a vector that is made of their spelling alone; none has, if not
            given.
    """

    dimension: int
    find: Callable[[Sequence[str]], NDArray[np.float32]]
    name: str = "word vectors"
    guessed: Callable[[Sequence[str]], NDArray[np.bool_]] | None = None

    @classmethod
    def read(cls, path: Path) -> "WordVectors":
        """Read vectors from a fastText file, as published at https://fasttext.cc or trained by its command line.

        The vectors of a `.vec` file (text) are looked up each time that words are asked for: the file is read through
        once, and only those words' vectors are kept. A `.bin` file (a whole model) stays in memory, and has vectors for
        words it never saw as well, made of their character n-grams, if it was trained with any.

        Raises:
            InputError: the file cannot be read, is neither `.vec` nor `.bin`, or does not begin like one.
        """
        if path.suffix == ".bin":
            return _read_bin(path)
        if path.suffix == ".vec":
            _, dimension = _vec_header(path)
            return cls(dimension, lambda words: _read_vec(path, words), str(path))
        packed = "unpack it" if path.suffix in (".gz", ".zip", ".bz2", ".xz") else "give one of these"
        raise InputError(f"{path}: word vectors are read from a fastText .vec or .bin file; {packed}")

    @classmethod
    def train(cls, sentences: Iterable[str]) -> "WordVectors":
        """Train vectors on N sentences by fastText's skip-gram (Bojanowski et al., 2017) without sub-words.

        Equal sentences give equal vectors, in every process on one machine (fastText is compiled for the processor it
        is installed on): one thread, which reads the sentences in their order, and fixed seeds. A sentence that occurs
        many times (MNLI has each premise three times) is read once per epoch.

        - No sub-words: in fastText 0.9.3 one thread sets only a tenth of the first vectors and leaves the rest as the
          memory was. They are therefore given to it as a file, which can hold those of words, but not of n-grams. Nor
          are n-grams wanted: similarity should come from how words are used, not from how they are spelt. So a word
          that the sentences have fewer than `MIN_COUNT` times is unknown.
        - The usual five epochs, fewer where they would read more than `WORDS_TO_READ` words, so that training on all of
          MNLI takes a minute or two.
        - `SUBSAMPLING` is ten times the usual: where a language has some hundred words, as in the pocket world, each of
          them is frequent, and the usual threshold of 1e-4 would skip most of the text.

        Raises:
            InputError: no word occurs `MIN_COUNT` times.
        """
        texts = dict.fromkeys(" ".join(words_of(sentence)) for sentence in sentences)
        counts = Counter(word for text in texts for word in text.split())
        words = [word for word, count in counts.items() if count >= MIN_COUNT]
        if not words:
            reason = f"no word occurs {MIN_COUNT} times in the sentences"
            raise InputError(f"word vectors: {reason}; give more text, or vectors from a file")
        epochs = min(max(round(WORDS_TO_READ / counts.total()), 1), MAX_EPOCHS)
        vectors = _train(texts, words, epochs)
        row = {word: index for index, word in enumerate(words)}
        return cls(DIMENSION, lambda vocabulary: _rows(vectors, row, vocabulary))

    def kept(self, vocabulary: Sequence[str]) -> "WordVectors":
        """Return the vectors of these words alone, held in memory: a `.vec` file is read once for all later questions.

        Raises:
            InputError: a `.vec` file is malformed.
        """
        vectors = self.find(vocabulary)
        row = {word: index for index, word in enumerate(vocabulary)}
        return replace(self, find=lambda words: _rows(vectors, row, words))

    def known(self, vocabulary: Sequence[str]) -> NDArray[np.bool_]:
        """Tell which of V words have a vector of their own that is not zero, bool [V].

        Raises:
            InputError: a `.vec` file is malformed, or a vector is not finite.
        """
        there = np.asarray(self.words(vocabulary).any(axis=1))
        if self.guessed is not None:
            there &= ~self.guessed(vocabulary)
        return there

    def words(self, vocabulary: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors of V words.

        Args:
            vocabulary: V words as `words_of` gives them: in lower case, letters and digits only.

        Returns:
            float32 [V, d], rows of length 1; an unknown word's row is zero.

        Raises:
            InputError: a `.vec` file is malformed, or a vector is not finite.
        """
        vectors = self.find(vocabulary)
        finite = np.isfinite(vectors).all(axis=1)
        if not finite.all():
            word = vocabulary[int(np.flatnonzero(~finite)[0])]
            raise InputError(f"{self.name}: the vector of {word!r} is not finite; use other vectors")
        lengths = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
        return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0, casting="same_kind")


def _rows(vectors: NDArray[np.float32], row: Mapping[str, int], words: Sequence[str]) -> NDArray[np.float32]:
    """Return the rows of V words, float32 [V, d]; zeros for a word that has none."""
    rows = np.array([row.get(word, -1) for word in words], dtype=np.int64)
    return np.where((rows >= 0)[:, None], vectors[rows], np.float32(0))


def _train(texts: Iterable[str], words: Sequence[str], epochs: int) -> NDArray[np.float32]:
    """Return float32 [V, d], the vectors of `words` after training on `texts`, whose words are separated by spaces."""
    import fasttext

    # fastText's name of a line's end is a word to it too.
    initial = np.random.default_rng(SEED).integers(
        -_INITIAL_STEPS, _INITIAL_STEPS, size=(len(words) + 1, DIMENSION), endpoint=True
    )
    with TemporaryDirectory(prefix="srnet-fasttext-") as folder:
        corpus, start = Path(folder, "corpus"), Path(folder, "initial.vec")
        with corpus.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{text}\n" for text in texts)
        with start.open("w", encoding="utf-8", newline="\n") as file:
            file.write(f"{len(initial)} {DIMENSION}\n")
            for word, steps in zip(["</s>", *words], initial.tolist(), strict=True):
                file.write(f"{word} {'e-5 '.join(map(str, steps))}e-5\n")
        model = fasttext.train_unsupervised(
            str(corpus),
            model="skipgram",
            pretrainedVectors=str(start),
            dim=DIMENSION,
            minCount=MIN_COUNT,
            epoch=epochs,
            t=SUBSAMPLING,
            minn=0,
            maxn=0,
            thread=1,
            verbose=0,
        )
    return _of_model(model, words)


def _of_model(model: Any, words: Sequence[str]) -> NDArray[np.float32]:
    vectors = [model.get_word_vector(word) for word in words]
    return np.array(vectors, dtype=np.float32).reshape(len(words), model.get_dimension())


def _read_bin(path: Path) -> WordVectors:
    import fasttext

    refuse_pointer(path)
    try:
        with path.open("rb") as file:
            header = file.read(_BIN_HEADER.size)
        size = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if len(header) < _BIN_HEADER.size or _BIN_HEADER.unpack(header)[0] != _BIN_MAGIC:
        raise InputError(f"{path}: not a fastText model; give a .bin file that fastText wrote")
    # fastText itself would look for the end of a cut-off dictionary's last word until it has filled the memory.
    fields = _BIN_HEADER.unpack(header)
    dimension, bucket, entries, words = fields[2], fields[10], fields[15], fields[16]
    needed = len(header) + 10 * entries + 4 * dimension * (words + bucket)
    if size < needed:
        raise InputError(f"{path}: {size} bytes where its header tells of {needed} or more; give the whole .bin file")
    try:
        model = fasttext.load_model(str(path))
    except ValueError as error:
        raise InputError(f"{path}: fastText cannot read it: {error}") from error
    return WordVectors(
        model.get_dimension(),
        lambda vocabulary: _of_model(model, vocabulary),
        str(path),
        lambda vocabulary: np.array([model.get_word_id(word) < 0 for word in vocabulary], dtype=bool),
    )


def _read_vec(path: Path, words: Sequence[str]) -> NDArray[np.float32]:
    """Return the vectors of V words in a `.vec` file, float32 [V, d]; zeros for a word that it does not have."""
    rows, dimension = _vec_header(path)
    wanted = {word.encode(): index for index, word in enumerate(words)}
    vectors = np.zeros((len(words), dimension), dtype=np.float32)
    found: dict[bytes, int] = {}
    number = 1
    for number, line in numbered_lines(path):
        if number == 1:
            continue
        ended, line = line.endswith(b"\n"), line.rstrip(b" \r\n")
        word, _, numbers = line.partition(b" ")
        if line.count(b" ") != dimension:
            raise InputError(f"{path}:{number}: {_uneven(line, number, dimension, ended)}")
        if number > rows + 1:
            total = sum(1 for _ in numbered_lines(path)) - 1
            remedy = f"write {total} for {rows} in its first line"
            raise InputError(f"{path}:{number}: more lines than the {rows} words of the header; {remedy}")
        try:
            word.decode()
        except UnicodeDecodeError as error:
            raise InputError(f"{path}:{number}: not UTF-8 text ({error.reason}); convert the file") from error
        if word not in wanted:
            continue
        if word in found:
            raise InputError(
                f"{path}:{number}: {word.decode()!r} has a vector in line {found[word]} already; remove one of the "
                f"two, and write {rows - 1} for {rows} in the first line"
            )
        found[word] = number
        try:
            with np.errstate(over="ignore"):  # found below
                vectors[wanted[word]] = [float(cell) for cell in numbers.split(b" ")]
        except ValueError as error:
            raise InputError(f"{path}:{number}: the vector of {word.decode()!r} is not of numbers: {error}") from error
        if not np.isfinite(vectors[wanted[word]]).all():
            raise InputError(f"{path}:{number}: the vector of {word.decode()!r} is not finite")
    if number < rows + 1:
        reason = f"the file ends here, after {number - 1} of the {rows} words that its header tells of"
        remedy = f"get it again, or, if nothing is missing, write {number - 1} for {rows} in its first line"
        raise InputError(f"{path}:{number}: {reason}; {remedy}")
    return vectors[[wanted[word.encode()] for word in words]]


def _uneven(line: bytes, number: int, dimension: int, ended: bool) -> str:
    """Return what is wrong with a line that has not as many numbers as the header says, and what to do about it.

    Args:
        line: without its end.
        number: of the line, from 1.
        dimension: that of the header.
        ended: whether the line has an end; only a file's last line may have none.
    """
    count = line.count(b" ")
    reason = f"{count} numbers after the word, the header says {dimension}"
    if not line:
        return f"{reason}: the line is empty; remove it"
    if b"\t" in line:
        return f"{reason}; put single spaces in place of tabs"
    if not ended and count < dimension:
        return f"{reason}, and the file ends here; get it again"
    lines = f"or, if all lines have {count} numbers, write {count} for {dimension} in line 1" if number == 2 else ""
    if count > dimension:
        first = "join the parts of a word that has spaces, as new_york"
    else:
        first = "remove the line, and count one word less in line 1"
    return f"{reason}; {first}{lines and ', '}{lines}"


def _vec_header(path: Path) -> tuple[int, int]:
    """Return the number of words and the dimension that the first line of a `.vec` file gives."""
    _, line = next(numbered_lines(path), (1, b""))
    refuse_pointer(path)
    match = re.fullmatch(rb"(\d+) ([1-9]\d*) ?\r?\n?", line)
    if match is None:
        words = sum(1 for _ in numbered_lines(path))
        form = f"put one before it, as {words} {line.rstrip().count(b' ')}" if line.count(b" ") > 1 else "get it again"
        raise InputError(f"{path}:1: no header, which gives the number of words and their dimension; {form}")
    return int(match[1]), int(match[2])
