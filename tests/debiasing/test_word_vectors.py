import os
import struct
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import fasttext
import numpy as np
import pytest

from srnet.debiasing import word_vectors
from srnet.debiasing.word_vectors import WordVectors, words_of
from srnet.errors import InputError


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("Don't, U.S.!", ["don", "t", "u", "s"]),
        ("well_known 5,000 £", ["well", "known", "5", "000"]),
        ("ÉTÉ\u2028x\u00a0y", ["été", "x", "y"]),
        ("a b a", ["a", "b", "a"]),
        ("...", []),
        ("", []),
    ],
)
def test_words_of(sentence: str, words: list[str]) -> None:
    assert words_of(sentence) == words


# A toy language in which cats and dogs do the same things, and so do ships and boats.
SENTENCES = [
    f"The {subject} {verb} {where}."
    for subjects, verbs, wheres in [
        (
            ("cat", "dog", "Cat", "hound"),
            ("barks", "eats", "sleeps", "runs", "bites"),
            ("at home", "in bed", "outside"),
        ),
        (("ship", "boat", "ferry"), ("sails", "sinks", "leaves", "lands", "floats"), ("at sea", "in port", "far away")),
    ]
    for subject in subjects
    for verb in verbs
    for where in wheres
]
VOCABULARY = ["cat", "dog", "ship", "boat", "home", "unheard"]
TRAIN = f"""
import hashlib, sys
from srnet.debiasing.word_vectors import WordVectors
for size in (20_000, 40_000, 60_000, 100_000) * 50 if sys.argv[1] == "dirty" else ():
    _ = [b"\\xff" * size for _ in range(9)]  # not-a-number to a float, left behind in freed memory
found = WordVectors.train({SENTENCES!r}).words({VOCABULARY!r})
print(hashlib.sha256(found.tobytes()).hexdigest())
"""


def test_training_gives_the_same_vectors_in_every_process_whatever_its_memory_held() -> None:
    runs = [
        subprocess.run([sys.executable, "-c", TRAIN, memory], capture_output=True, text=True, check=True)
        for memory in ("clean", "dirty")
    ]
    here = WordVectors.train(SENTENCES).words(VOCABULARY)
    assert np.isfinite(here).all()
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stderr == runs[1].stderr == ""
    assert np.array_equal(here, WordVectors.train(SENTENCES).words(VOCABULARY))
    assert np.abs(here[:, None] - here[None]).max() > 0.1


def test_trained_vectors_tell_words_by_their_use() -> None:
    colours = ("red", "old", "wet", "big", "sad", "shy", "raw", "new")
    text = [f"{colour} {other} {sentence}" for colour in colours for other in colours for sentence in SENTENCES]
    trained = WordVectors.train(text)
    cat, dog, ship, boat, _, unheard = found = trained.words(VOCABULARY)
    assert found.dtype == np.float32
    assert found.shape == (len(VOCABULARY), trained.dimension)
    np.testing.assert_allclose(np.linalg.norm(found[:-1], axis=1), 1, atol=1e-6)
    assert not unheard.any()
    assert min(cat @ dog, ship @ boat) > max(cat @ ship, cat @ boat, dog @ ship, dog @ boat) + 0.3


def test_training_reads_repeated_sentences_once_and_leaves_rare_words_unknown() -> None:
    repeated = WordVectors.train([*SENTENCES, *SENTENCES, *["A rare word."] * 9]).words(VOCABULARY)
    once = WordVectors.train([*SENTENCES, "a rare word"]).words([*VOCABULARY, "rare"])
    assert np.array_equal(repeated, once[:-1])
    assert not once[-1].any()


@pytest.mark.parametrize("sentences", [[], ["", "..."], ["each word here but once"], ["the the the the"]])
def test_training_needs_words(sentences: list[str]) -> None:
    with pytest.raises(InputError, match="no word occurs 5 times in the sentences; give more text"):
        WordVectors.train(sentences)


def test_training_epochs_shrink_as_text_grows(monkeypatch: pytest.MonkeyPatch) -> None:
    real, epochs = fasttext.train_unsupervised, []

    def spy(*args: object, **settings: object) -> object:
        epochs.append(settings["epoch"])
        return real(*args, **settings)

    monkeypatch.setattr(fasttext, "train_unsupervised", spy)
    distinct = list(dict.fromkeys(sentence.lower() for sentence in SENTENCES))
    size = sum(len(words_of(sentence)) for sentence in distinct)
    for words in (100 * size, 2 * size, size // 100):
        monkeypatch.setattr(word_vectors, "WORDS_TO_READ", words)
        WordVectors.train(SENTENCES)
    assert epochs == [5, 2, 1]


def test_training_is_silent_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    WordVectors.train(SENTENCES)

    def fails(*args: object, **settings: object) -> None:
        assert len(list(tmp_path.glob("*/*"))) == 2
        raise RuntimeError("no memory")

    monkeypatch.setattr(fasttext, "train_unsupervised", fails)
    with pytest.raises(RuntimeError, match="no memory"):
        WordVectors.train(SENTENCES)
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_no_words_have_no_vectors() -> None:
    trained = WordVectors.train(SENTENCES)
    assert trained.words([]).shape == (0, trained.dimension)


def test_words_are_normalised_and_asked_once() -> None:
    asked = []

    def find(words: object) -> np.ndarray:
        asked.append(words)
        return np.array([[3.0, 4.0], [0.0, 0.0], [1e-30, 0.0], [3e38, 3e38]], dtype=np.float32)

    found = WordVectors(2, find).words(["a", "b", "c", "d"])
    assert asked == [["a", "b", "c", "d"]]
    np.testing.assert_allclose(found, np.array([[0.6, 0.8], [0, 0], [1, 0], [0.5**0.5] * 2]), rtol=1e-6)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_vectors_must_be_finite(number: float) -> None:
    broken = WordVectors(2, lambda words: np.array([[1, 0], [0, number]], dtype=np.float32))
    with pytest.raises(InputError, match="the vector of 'b' is not finite"):
        broken.words(["a", "b"])


VEC = "3 2\nb 0 2\nà -1 1e0\n\u00a0x\u2028 3 4\n"


@pytest.mark.parametrize(
    "text",
    [VEC, VEC.replace("\n", " \n"), VEC.replace("\n", "\r\n"), VEC.removesuffix("\n")],
    ids=["plain", "space before line's end", "CRLF", "no last line end"],
)
def test_vec_files(tmp_path: Path, text: str) -> None:
    path = tmp_path / "words.vec"
    path.write_text(text, encoding="utf-8", newline="")
    read = WordVectors.read(path)
    assert read.dimension == 2
    found = read.words(["à", "B", "b", "\u00a0x\u2028", "c", "b"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[-(0.5**0.5), 0.5**0.5], [0, 0], [0, 1], [0.6, 0.8], [0, 0], [0, 1]], atol=1e-7)
    assert read.words([]).shape == (0, 2)


MALFORMED_VEC: Mapping[str, tuple[bytes, str]] = {
    "empty": (b"", "1: no header"),
    "no header": (b"a 1 2\nb 1 2\n", "1: no header"),
    "half a header": (b"2\na 1 2\nb 1 2\n", "1: no header"),
    "UTF-16": ("2 2\na 1 2\nb 1 2\n".encode("utf-16"), "1: no header"),
    "no dimension": (b"2 0\na\nb\n", "1: no header"),
    "too few numbers": (b"2 2\na 1 2\nb 1\n", "3: 1 numbers after the word, the header says 2"),
    "too many numbers": (b"2 2\na 1 2\nz 1 2 3\n", "3: 3 numbers after the word, the header says 2"),
    "an empty line": (b"2 2\n\na 1 2\n", "2: 0 numbers after the word, the header says 2"),
    "not a number": (b"2 2\na 1 2\nb 1 x\n", r"3: the vector of 'b' is not of numbers: .*'x'"),
    "two spaces": (b"2 2\na 1 2\nb  2\n", "3: the vector of 'b' is not of numbers"),
    "nan": (b"2 2\na 1 nan\nb 1 2\n", "2: the vector of 'a' is not finite"),
    "infinite": (b"2 2\na 1 1e99\nb 1 2\n", "2: the vector of 'a' is not finite"),
    "twice": (b"3 2\na 1 2\nz 1 2\na 1 2\n", "4: 'a' has a vector in line 2 already"),
    "Latin-1": ("2 2\na 1 2\nà 1 2\n".encode("latin-1"), r"3: not UTF-8 text \(.*\); convert the file"),
    "cut off": (b"3 2\na 1 2\nb 1 2\n", "3: the file ends here, after 2 of the 3 words"),
    "no words": (b"1 2\n", "1: the file ends here, after 0 of the 1 words"),
    "too long": (b"1 2\na 1 2\nb 1 2\n", "3: more lines than the 1 words of the header"),
}


@pytest.mark.parametrize("name", MALFORMED_VEC)
def test_malformed_vec_files(tmp_path: Path, name: str) -> None:
    content, reason = MALFORMED_VEC[name]
    path = tmp_path / "words.vec"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}:{reason}"):
        WordVectors.read(path).words(["a", "b", "c"])


def test_what_a_message_says_to_do_makes_a_vec_file_readable(tmp_path: Path) -> None:
    path = tmp_path / "words.vec"
    for text, advice, change in (
        ("3 2\na 1 2\nb 1 2\n", "write 2 for 3 in its first line", ("3", "2")),
        ("1 2\na 1 2\nb 1 2\n", "write 2 for 1 in its first line", ("1", "2")),
        ("2 1\na 1 2\nb 1 2\n", "write 2 for 1 in line 1", ("1", "2")),
        ("2 2\na 1 2\nnew york 1 2\n", "join the parts of a word that has spaces, as new_york", ("new y", "new_y")),
        (
            "3 2\na 1 2\nb 1 2\na 1 2\n",
            "remove one of the two, and write 2 for 3 in the first line",
            ("3 2\na 1 2\n", "2 2\n"),
        ),
        ("3 2\na 1 2\nb 1\nc 1 2\n", "remove the line, and count one word less", ("3 2\na 1 2\nb 1\n", "2 2\na 1 2\n")),
        ("a 1 2\nb 1 2\n", "put one before it, as 2 2", ("a", "2 2\na")),
        ("1 2\na 1 2\n\n", "the line is empty; remove it", ("\n\n", "\n")),
        ("2 2\na\t1\t2\nb\t1\t2\n", "put single spaces in place of tabs", ("\t", " ")),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=advice) as error:
            WordVectors.read(path).words(["a", "b"])
        assert "\n" not in str(error.value)
        old, new = change
        path.write_text(text.replace(old, new) if old == "\t" else text.replace(old, new, 1))
        assert WordVectors.read(path).words(["a"]).any() or "b 1 2" not in text


def test_a_file_cut_off_within_a_line_is_to_be_got_again(tmp_path: Path) -> None:
    path = tmp_path / "words.vec"
    path.write_text("2 2\na 1 2\nb 1")
    with pytest.raises(InputError, match=r"3: 1 numbers after .*, and the file ends here; get it again"):
        WordVectors.read(path).words(["a"])


@pytest.mark.parametrize("suffix", [".vec", ".bin"])
def test_a_pointer_in_place_of_vectors(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"words{suffix}"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    with pytest.raises(InputError, match="a git-lfs pointer, not the file itself; fetch that with `git lfs pull`"):
        WordVectors.read(path)


def test_vec_files_are_streamed(tmp_path: Path) -> None:
    path, dimension, words = tmp_path / "large.vec", 300, 20_000
    with path.open("w") as file:
        file.write(f"{words} {dimension}\n")
        file.writelines(f"w{number} {' '.join([str(number % 7)] * dimension)}\n" for number in range(1, words + 1))
    read = WordVectors.read(path)
    tracemalloc.start()
    found = read.words(["w1", "w20000", "none"])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    np.testing.assert_allclose(found[0], dimension**-0.5, rtol=1e-6)
    np.testing.assert_allclose(found[1], dimension**-0.5, rtol=1e-6)
    assert not found[2].any()
    assert path.stat().st_size > 10_000_000
    assert peak < 500_000


def write_bin(path: Path, ngrams: bool) -> dict[str, list[float]]:
    """Write a fastText model of two words, byte by byte, and return the words' own vectors."""
    own = {"abc": [1.0, 0.0], "été": [0.0, 2.0]}
    minn, maxn, bucket = (2, 3, 5) if ngrams else (0, 0, 0)
    rows = [*own.values(), *([0.5 * number, 1.0] for number in range(bucket))]
    matrices = [rows, [[0.0, 0.0]] * len(own)]
    with path.open("wb") as file:
        file.write(struct.pack("<2i", 793712314, 12))
        # Dimension, window, epochs, least count, negatives, word n-grams, loss, model, then the n-grams' settings.
        file.write(struct.pack("<12id", 2, 5, 5, 1, 5, 1, 2, 2, bucket, minn, maxn, 100, 1e-4))
        file.write(struct.pack("<3i2q", len(own), len(own), 0, 9, -1))
        for word in own:
            file.write(word.encode() + b"\0" + struct.pack("<qb", 5, 0))
        for matrix in matrices:
            file.write(struct.pack("<?2q", False, len(matrix), 2) + np.array(matrix, dtype="<f4").tobytes())
    return own


def test_bin_files_without_ngrams(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "model.bin"
    write_bin(path, ngrams=False)
    read = WordVectors.read(path)
    assert read.dimension == 2
    found = read.words(["été", "abd", "abc", "été"])
    assert found.dtype == np.float32
    assert found.tolist() == [[0, 1], [0, 0], [1, 0], [0, 1]]
    assert read.words([]).shape == (0, 2)
    assert capfd.readouterr() == ("", "")


def test_bin_files_with_ngrams_know_unheard_words(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    own = write_bin(path, ngrams=True)
    found = WordVectors.read(path).words([*own, "abd"])
    model = fasttext.load_model(str(path))
    expected = np.array([model.get_word_vector(word) for word in [*own, "abd"]])
    assert not np.allclose(expected[0], own["abc"])
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected, axis=1, keepdims=True), atol=1e-6)
    assert WordVectors.read(path).known([*own, "abd"]).tolist() == [True, True, False]  # one is guessed by its spelling


@pytest.mark.parametrize("ngrams", [False, True])
def test_cut_off_bin_files_are_refused(tmp_path: Path, ngrams: bool) -> None:
    path = tmp_path / "model.bin"
    write_bin(path, ngrams)
    whole = path.read_bytes()
    output = 1 + 16 + 2 * 8  # the matrix that only training needs
    for length in range(len(whole) - output - 25):  # 25: two words and the first matrix's head, not in the estimate
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=f"^{path}: .*(not a fastText model|give the whole .bin file)"):
            WordVectors.read(path)


def as_folder(path: Path) -> None:
    path.mkdir()


def as_text(path: Path) -> None:
    path.write_text("2 2\na 1 2\n" * 99)


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("words.txt", as_text, "read from a fastText .vec or .bin file"),
        ("words", as_text, "read from a fastText .vec or .bin file"),
        ("words.vec", as_folder, "cannot be read: Is a directory"),
        ("words.bin", as_folder, "cannot be read: Is a directory"),
        ("words.vec", lambda path: None, "cannot be read: No such file or directory"),
        ("words.bin", lambda path: None, "cannot be read: No such file or directory"),
        ("words.bin", as_text, "not a fastText model"),
        ("words.bin", lambda path: path.write_bytes(b""), "not a fastText model"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, name: str, make: Callable[[Path], object], reason: str) -> None:
    path = tmp_path / name
    make(path)
    with pytest.raises(InputError, match=f"^{path}: .*{reason}"):
        WordVectors.read(path)


def test_fasttext_is_imported_only_where_it_is_needed() -> None:
    code = "import sys, srnet.debiasing.word_vectors; sys.exit('fasttext' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=os.environ | {"OMP_NUM_THREADS": "1"}).returncode == 0
