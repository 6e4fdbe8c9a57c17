import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srnet.data.formats import Format, read_json_lines, read_table
from srnet.data.pairs import pair_dataset
from srnet.data.tasks import (
    FACT_LABELS,
    FEVER,
    HANS,
    HANS_LABELS,
    HANS_TRAIN,
    MNLI,
    NLI_LABELS,
    PARAPHRASE_LABELS,
    PAWS,
    QQP,
    SYMMETRIC_1,
    SYMMETRIC_2,
    SYMMETRIC_LABELS,
    SYMMETRIC_TRAIN,
)
from srnet.errors import InputError

MNLI_HEAD = "index\tsentence1\tsentence2\tgold_label\n"
HANS_HEAD = "gold_label\tsentence1\tsentence2\theuristic\n"
QQP_HEAD = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n"
PAWS_HEAD = "id\tsentence1\tsentence2\tlabel\n"
MNLI_ROW = "0\tThe cat saw a dog .\tA cat saw .\tentailment\n"
HANS_ROW = "non-entailment\tThe cat saw a dog .\tA dog saw .\tlexical_overlap\n"
QQP_ROW = "0\t0\t1\tWhy is the sky blue?\tWhat makes the sky blue?\t1\n"
PAWS_ROW = "1\tfrom here to there\tfrom there to here\t0\n"
PAIR = {"id": "1", "claim": "Water is dry .", "evidence": "Water is wet .", "gold_label": "REFUTES"}
PAIR_1 = {"id": "1", "claim": "Water is dry .", "evidence_sentence": "Water is wet .", "label": "REFUTES"}


def line(record: object, **changes: object) -> str:
    return json.dumps(record | changes if isinstance(record, dict) else record) + "\n"


def without(record: dict[str, str], name: str) -> str:
    return line({key: value for key, value in record.items() if key != name})


FEVER_ROW, SYM1_ROW = line(PAIR), line(PAIR_1)


def write(folder: Path, content: str | bytes, name: str = "file") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(dataset: Dataset) -> list[tuple[str, str, int, str]]:
    return [(row["premise"], row["hypothesis"], row["label"], row["subset"]) for row in dataset]


@pytest.mark.parametrize(
    ("layout", "content", "labels"),
    [
        (MNLI, MNLI_HEAD + MNLI_ROW, NLI_LABELS),
        (HANS, HANS_HEAD + HANS_ROW, HANS_LABELS),
        (HANS_TRAIN, HANS_HEAD + HANS_ROW, NLI_LABELS),
        (QQP, QQP_HEAD + QQP_ROW, PARAPHRASE_LABELS),
        (PAWS, PAWS_HEAD + PAWS_ROW, PARAPHRASE_LABELS),
        (FEVER, FEVER_ROW, FACT_LABELS),
        (SYMMETRIC_1, SYM1_ROW, SYMMETRIC_LABELS),
        (SYMMETRIC_2, FEVER_ROW, SYMMETRIC_LABELS),
        (SYMMETRIC_TRAIN, FEVER_ROW, FACT_LABELS),
    ],
    ids=["mnli", "hans", "hans train", "qqp", "paws", "fever", "sym1", "sym2", "sym2 train"],
)
def test_columns_and_types(tmp_path: Path, layout: Format, content: str, labels: Sequence[str]) -> None:
    dataset = layout.read(write(tmp_path, content))
    assert dataset.features == {
        "premise": Value("string"),
        "hypothesis": Value("string"),
        "label": ClassLabel(names=list(labels)),
        "subset": Value("string"),
    }
    assert len(dataset) == 1


def test_columns_are_found_by_name_in_any_place(tmp_path: Path) -> None:
    train = write(tmp_path, "pairID\tsentence1\tlabel1\tsentence2\tgold_label\n7\tp\tneutral\th\tcontradiction\n")
    assert rows(MNLI.read(train)) == [("p", "h", 2, "")]
    dev = write(tmp_path, "gold_label\tlabel1\tlabel2\tsentence2\tsentence1\nneutral\t\t\th\tp\n")
    assert rows(MNLI.read(dev)) == [("p", "h", 1, "")]
    qqp = write(tmp_path, "is_duplicate\tquestion2\tquestion1\n0\th\tp\n1\th\tp\n")
    assert rows(QQP.read(qqp)) == [("p", "h", 0, ""), ("p", "h", 1, "")]


def test_hans_keeps_text_and_heuristic(tmp_path: Path) -> None:
    path = write(tmp_path, HANS_HEAD + HANS_ROW + "entailment\tp .\th .\tconstituent\n")
    assert rows(HANS.read(path)) == [
        ("The cat saw a dog .", "A dog saw .", 1, "lexical_overlap"),
        ("p .", "h .", 0, "constituent"),
    ]


def test_hans_for_training_makes_non_entailment_a_contradiction(tmp_path: Path) -> None:
    dataset = HANS_TRAIN.read(write(tmp_path, HANS_HEAD + HANS_ROW + HANS_ROW.replace("non-", "")))
    assert [NLI_LABELS[label] for label in dataset["label"]] == ["contradiction", "entailment"]
    assert dataset["subset"][0] == "lexical_overlap"


def test_qqp_has_pairs_with_an_empty_question(tmp_path: Path) -> None:
    path = write(tmp_path, QQP_HEAD + "1\t2\t3\tHow can I develop it?\t\t0\n2\t3\t4\t\t \t0\n" + QQP_ROW)
    assert [row[:2] for row in rows(QQP.read(path))][:2] == [("How can I develop it?", ""), ("", " ")]


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("b'plain'", "plain"),
        ('b"it\'s"', "it's"),
        ('b"plain"', "plain"),
        (r"""b'it\'s "so"'""", """it's "so\""""),
        (r"b'caf\xc3\xa9'", "café"),
        (r"b'\xe6\xbc\xa2 \xF0\x9F\x98\x80'", "漢 😀"),
        (r"b'back\\slash \\x41'", r"back\slash \x41"),
        (r"b'tab\tin'", "tab\tin"),
        ("b' is the second letter", "b' is the second letter"),
        ("b' is not 'a'", "b' is not 'a'"),
        ("b'tis 'b'", "b'tis 'b'"),
        ("b'one' b'two'", "b'one' b'two'"),
        ("b'one\"", "b'one\""),
        ("b'open\\'", "b'open\\'"),
        (r"b'\d+'", r"b'\d+'"),
        (r"b'\x4'", r"b'\x4'"),
        ("b'é'", "b'é'"),
        ("B'capital'", "B'capital'"),
        ("rb'raw'", "rb'raw'"),
        (" b'spaced'", " b'spaced'"),
        ("b'spaced' ", "b'spaced' "),
        ("'quoted'", "'quoted'"),
        ("b'", "b'"),
        (r"caf\xc3\xa9", r"caf\xc3\xa9"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_paws_sentences_as_bytes_literals(tmp_path: Path, cell: str, sentence: str) -> None:
    path = write(tmp_path, f"{PAWS_HEAD}1\t{cell}\tplain\t1\n2\tplain\t{cell}\t0\n{PAWS_ROW}")
    assert rows(PAWS.read(path))[:2] == [(sentence, "plain", 1, ""), ("plain", sentence, 0, "")]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: not text.isspace()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_bytes_that_python_prints_are_decoded(tmp_path: Path, sentence: str) -> None:
    path = write(tmp_path, f"{PAWS_HEAD}1\t{sentence.encode()!r}\t{sentence.encode()!r}\t1\n")
    assert rows(PAWS.read(path)) == [(sentence, sentence, 1, "")]


def test_fever_is_evidence_then_claim(tmp_path: Path) -> None:
    path = write(tmp_path, FEVER_ROW + line(PAIR, gold_label="NOT ENOUGH INFO", evidence="") + line(PAIR, weight=0.5))
    assert rows(FEVER.read(path)) == [
        ("Water is wet .", "Water is dry .", 1, ""),
        ("", "Water is dry .", 2, ""),
        ("Water is wet .", "Water is dry .", 1, ""),
    ]


@pytest.mark.parametrize("layout", [SYMMETRIC_1, SYMMETRIC_2], ids=["v0.1", "v0.2"])
def test_both_symmetric_versions_are_told_apart_by_field_names(tmp_path: Path, layout: Format) -> None:
    first = line(PAIR_1) + line(PAIR_1, label="SUPPORTS", id="1000002")
    # v0.2 also has a `label`, `evid` and sentences under other names.
    further = {"label": "REFUTES", "evid": [["Water is wet .", 1.0]], "sentence1": "no", "sentence2": "no"}
    second = line(PAIR | further) + line(PAIR | further, gold_label="SUPPORTS")
    expected = [("Water is wet .", "Water is dry .", label, "") for label in (1, 0)]
    assert rows(layout.read(write(tmp_path, first))) == expected
    assert rows(layout.read(write(tmp_path, second))) == expected


@pytest.mark.parametrize(
    "sentence",
    ['"Well', 'it\'s "so"', "a\x85b", "a\u2028b\u2029c", "a\x0bb\x0cc\x1cd", "a\rb", " spaced ", "\ufeffmark", "né 漢"],
)
def test_a_sentence_is_kept_as_it_is(tmp_path: Path, sentence: str) -> None:
    table = MNLI.read(write(tmp_path, f"{MNLI_HEAD}0\t{sentence}\t{sentence}\tneutral\n{MNLI_ROW}"))
    assert (rows(table)[0], len(table)) == ((sentence, sentence, 1, ""), 2)
    for ascii_only in (True, False):
        record = PAIR | {"claim": sentence, "evidence": sentence}
        path = write(tmp_path, json.dumps(record, ensure_ascii=ascii_only) + "\n" + FEVER_ROW)
        assert (rows(FEVER.read(path))[0], len(FEVER.read(path))) == ((sentence, sentence, 1, ""), 2)


CASES: list[tuple[Format, str, str]] = [
    (MNLI, MNLI_HEAD, MNLI_ROW),
    (HANS, HANS_HEAD, HANS_ROW),
    (QQP, QQP_HEAD, QQP_ROW),
    (PAWS, PAWS_HEAD, PAWS_ROW),
    (FEVER, "", FEVER_ROW),
    (SYMMETRIC_1, "", SYM1_ROW),
    (SYMMETRIC_2, "", FEVER_ROW),
]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("final", [True, False])
@pytest.mark.parametrize(("layout", "header", "row"), CASES)
def test_line_ends_and_byte_order_mark(
    tmp_path: Path, layout: Format, header: str, row: str, final: bool, end: str, encoding: str
) -> None:
    plain = layout.read(write(tmp_path, header + row * 2))
    content = (header + row * 2).replace("\n", end)
    found = layout.read(write(tmp_path, (content if final else content.removesuffix(end)).encode(encoding)))
    assert rows(found) == rows(plain)
    assert len(found) == 2


# name: (format, content, where in the file, reason)
MALFORMED: dict[str, tuple[Format, str | bytes, str, str]] = {
    "empty file": (MNLI, "", "", "empty"),
    "header only": (MNLI, MNLI_HEAD, "", "no examples"),
    "header only, no newline": (HANS, HANS_HEAD.rstrip("\n"), "", "no examples"),
    "missing column": (MNLI, "index\tsentence1\tgold_label\n0\tp\tneutral\n", ":1", "no column 'sentence2'"),
    "no header": (MNLI, MNLI_ROW + MNLI_ROW, ":1", "no column 'sentence1'"),
    "blank header": (MNLI, "\n" + MNLI_ROW, ":1", "no column 'sentence1'"),
    "MNLI read as HANS": (HANS, MNLI_HEAD + MNLI_ROW, ":1", "no column 'heuristic'"),
    "MNLI read as PAWS": (PAWS, MNLI_HEAD + MNLI_ROW, ":1", "no column 'label'"),
    "PAWS read as QQP": (QQP, PAWS_HEAD + PAWS_ROW, ":1", "no column 'question1'"),
    "commas for tabs": (MNLI, (MNLI_HEAD + MNLI_ROW).replace("\t", ","), ":1", "no column 'sentence1'"),
    "column name in capitals": (QQP, QQP_HEAD.upper() + QQP_ROW, ":1", "no column 'question1'"),
    "duplicated column": (MNLI, MNLI_HEAD.replace("index", "sentence2") + MNLI_ROW, ":1", "'sentence2' more than once"),
    "duplicated unused column": (MNLI, "index\t" + MNLI_HEAD + "0\t" + MNLI_ROW, ":1", "'index' more than once"),
    "short row": (MNLI, MNLI_HEAD + MNLI_ROW + "0\tp\tneutral\n" + MNLI_ROW, ":3", "3 tab-separated cells"),
    "long row": (MNLI, MNLI_HEAD + MNLI_ROW + "0\tp\th\tq\tneutral\n", ":3", "5 tab-separated cells"),
    "question broken over lines": (QQP, QQP_HEAD + QQP_ROW.replace("sky ", "sky\n", 1), ":2", "4 tab-separated cells"),
    "blank line within": (PAWS, PAWS_HEAD + PAWS_ROW + "\n" + PAWS_ROW, ":3", "1 tab-separated cells"),
    "blank line at the end": (MNLI, MNLI_HEAD + MNLI_ROW + "\n", ":3", "1 tab-separated cells"),
    "cut off in the last row": (MNLI, MNLI_HEAD + MNLI_ROW + MNLI_ROW[:12], ":3", "2 tab-separated cells"),
    "old Mac line ends": (PAWS, (PAWS_HEAD + PAWS_ROW).replace("\n", "\r"), ":1", "no column 'label'"),
    "unknown label": (
        MNLI,
        MNLI_HEAD + MNLI_ROW + "0\tp\th\t-\n",
        ":3",
        "unknown gold_label '-'; known are entailment, neutral, contradiction",
    ),
    "label with a space": (MNLI, MNLI_HEAD + MNLI_ROW.replace("ment\n", "ment \n"), ":2", "gold_label 'entailment '"),
    "empty label": (MNLI, MNLI_HEAD + "0\tp\th\t\n", ":2", "gold_label ''"),
    "HANS label in MNLI": (MNLI, MNLI_HEAD + "0\tp\th\tnon-entailment\n", ":2", "gold_label 'non-entailment'"),
    "MNLI label in HANS": (
        HANS,
        HANS_HEAD + "neutral\tp\th\tsubsequence\n",
        ":2",
        "unknown gold_label 'neutral'; known are entailment, non-entailment",
    ),
    "MNLI label in HANS for training": (
        HANS_TRAIN,
        HANS_HEAD + "contradiction\tp\th\tsubsequence\n",
        ":2",
        "unknown gold_label 'contradiction'; known are entailment, non-entailment",
    ),
    "unknown heuristic": (
        HANS,
        HANS_HEAD + HANS_ROW + "entailment\tp\th\toverlap\n",
        ":3",
        "unknown heuristic 'overlap'; known are lexical_overlap, subsequence, constituent",
    ),
    "QQP test row's label": (QQP, QQP_HEAD + QQP_ROW.replace("\t1\n", "\t-1\n"), ":2", "is_duplicate '-1'"),
    "QQP label by name": (
        QQP,
        QQP_HEAD + QQP_ROW + QQP_ROW.replace("\t1\n", "\tduplicate\n"),
        ":3",
        "unknown is_duplicate 'duplicate'; known are 0, 1",
    ),
    "QQP label as a float": (QQP, QQP_HEAD + QQP_ROW.replace("\t1\n", "\t1.0\n"), ":2", "is_duplicate '1.0'"),
    "PAWS label out of range": (PAWS, PAWS_HEAD + PAWS_ROW + "2\tp\th\t2\n", ":3", "unknown label '2'"),
    "label that is a file": (
        PAWS,
        PAWS_HEAD + "2\tp\th\t" + "0 " * 999 + "\n",
        ":2",
        "'0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0...; known",
    ),
    "empty premise": (MNLI, MNLI_HEAD + "0\t\th\tneutral\n", ":2", "sentence1 is empty"),
    "blank hypothesis": (MNLI, MNLI_HEAD + MNLI_ROW + "0\tp\t \u00a0\tneutral\n", ":3", "sentence2 is empty"),
    "empty HANS premise": (HANS, HANS_HEAD + "entailment\t\th\tsubsequence\n", ":2", "sentence1 is empty"),
    "empty PAWS sentence": (PAWS, PAWS_HEAD + "1\tp\t\t0\n", ":2", "sentence2 is empty"),
    "empty PAWS bytes": (PAWS, PAWS_HEAD + PAWS_ROW + "1\tb''\th\t0\n", ":3", "sentence1 is empty"),
    "PAWS bytes in Latin-1": (PAWS, PAWS_HEAD + PAWS_ROW + "1\tp\tb'caf\\xe9'\t0\n", ":3", "is not UTF-8 text"),
    "Latin-1": (MNLI, MNLI_HEAD.encode() + MNLI_ROW.encode() + b"0\tcaf\xe9 .\th\tneutral\n", ":3", "not UTF-8"),
    "UTF-16": (QQP, (QQP_HEAD + QQP_ROW).encode("utf-16"), ":1", "not UTF-8"),
    "bad bytes in an unused column": (MNLI, MNLI_HEAD.encode() + b"\xff" + MNLI_ROW.encode(), ":2", "not UTF-8"),
    "empty JSON lines": (FEVER, "", "", "no examples"),
    "JSON with a byte that is not UTF-8": (FEVER, FEVER_ROW.encode() + b'{"id": "\xe9"}\n', ":2", "not UTF-8"),
    "not JSON": (FEVER, FEVER_ROW + "SUPPORTS\tp\th\n", ":2", "not a JSON object (Expecting value)"),
    "JSON cut off": (FEVER, FEVER_ROW + FEVER_ROW[:40], ":2", "not a JSON object (Unterminated string"),
    "two objects on a line": (FEVER, FEVER_ROW * 2 + (FEVER_ROW * 2).replace("\n", ""), ":3", "(Extra data)"),
    "Python for JSON": (FEVER, repr(PAIR) + "\n", ":1", "not a JSON object"),
    "JSON over several lines": (FEVER, json.dumps(PAIR, indent=1), ":1", "not a JSON object"),
    "JSON array": (FEVER, json.dumps([PAIR]) + "\n", ":1", "not a JSON object but list"),
    "JSON null": (FEVER, FEVER_ROW + "null\n", ":2", "not a JSON object but NoneType"),
    "blank line in JSON lines": (FEVER, FEVER_ROW + "\n" + FEVER_ROW, ":2", "not a JSON object"),
    "number with too many digits": (FEVER, FEVER_ROW.replace('"1"', "1" * 5000), ":1", "not a JSON object"),
    "nested too deeply": (FEVER, "[" * 200_000 + "\n", ":1", "not a JSON object"),
    "field twice": (FEVER, FEVER_ROW[:-2] + ', "claim": "Other ."}\n', ":1", "the field 'claim' is there twice"),
    "no evidence": (FEVER, FEVER_ROW + without(PAIR, "evidence"), ":2", "no field 'evidence'"),
    "no claim": (FEVER, without(PAIR, "claim"), ":1", "no field 'claim'"),
    "no label": (FEVER, FEVER_ROW + without(PAIR, "gold_label"), ":2", "no field 'gold_label'"),
    "FEVER under v0.1 names": (
        FEVER,
        SYM1_ROW,
        ":1",
        "no field 'evidence'; each line needs evidence, claim, gold_label",
    ),
    "Symmetric under no version's names": (
        SYMMETRIC_1,
        without(PAIR_1, "evidence_sentence"),
        ":1",
        "no field 'evidence_sentence'; each line needs evidence_sentence, claim, label or evidence, claim, gold_label",
    ),
    "Symmetric versions mixed": (
        SYMMETRIC_2,
        FEVER_ROW + SYM1_ROW,
        ":2",
        "no field 'evidence'; each line needs evidence, claim, gold_label",
    ),
    "evidence of the original FEVER": (
        FEVER,
        FEVER_ROW + line(PAIR, evidence=[["x", 1]]),
        ":2",
        "evidence is [['x', 1]]",
    ),
    "claim is null": (SYMMETRIC_1, line(PAIR_1, claim=None), ":1", "claim is None, not text"),
    "label is a number": (SYMMETRIC_2, FEVER_ROW + line(PAIR, gold_label=1), ":2", "gold_label is 1, not text"),
    "half a surrogate pair": (FEVER, line(PAIR, claim="a \ud83d b"), ":1", "claim is no Unicode text"),
    "unknown FEVER label": (
        FEVER,
        FEVER_ROW + line(PAIR, gold_label="REFUTED"),
        ":2",
        "unknown gold_label 'REFUTED'; known are SUPPORTS, REFUTES, NOT ENOUGH INFO",
    ),
    "label in lower case": (SYMMETRIC_1, line(PAIR_1, label="supports"), ":1", "unknown label 'supports'"),
    "third class in Symmetric": (
        SYMMETRIC_2,
        FEVER_ROW + line(PAIR, gold_label="NOT ENOUGH INFO"),
        ":2",
        "unknown gold_label 'NOT ENOUGH INFO'; known are SUPPORTS, REFUTES",
    ),
    "third class in Symmetric for training": (
        SYMMETRIC_TRAIN,
        line(PAIR, gold_label="NOT ENOUGH INFO"),
        ":1",
        "unknown gold_label 'NOT ENOUGH INFO'; known are SUPPORTS, REFUTES",
    ),
    "empty claim": (FEVER, FEVER_ROW + line(PAIR, claim=""), ":2", "claim is empty"),
    "empty Symmetric evidence": (SYMMETRIC_2, FEVER_ROW + line(PAIR, evidence=" "), ":2", "evidence is empty"),
    "empty evidence in v0.1": (SYMMETRIC_1, line(PAIR_1, evidence_sentence=""), ":1", "evidence_sentence is empty"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_named_with_line_and_reason(tmp_path: Path, case: str) -> None:
    layout, content, place, reason = MALFORMED[case]
    path = write(tmp_path, content)
    with pytest.raises(InputError) as error:
        layout.read(path)
    assert str(error.value).startswith(f"{path}{place}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("layout", [MNLI, FEVER], ids=["table", "JSON lines"])
@pytest.mark.parametrize("name", ["nowhere.tsv", "."])
def test_a_path_that_is_no_file(tmp_path: Path, name: str, layout: Format) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        layout.read(tmp_path / name)


def test_read_table_gives_lines_and_columns_in_the_order_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "a\tb\tc\n1\t2\t3\n4\t5\t6\n")
    assert list(read_table(path, ["c", "a"])) == [(2, ["3", "1"]), (3, ["6", "4"])]


def test_read_json_lines_takes_the_first_variant_that_the_first_line_has(tmp_path: Path) -> None:
    path = write(tmp_path, '{"a": "1", "b": "2", "c": "3"}\n{"b": "5", "c": "6"}\n')
    assert list(read_json_lines(path, [["d"], ["c", "b"], ["a"]])) == [(1, ["3", "2"]), (2, ["6", "5"])]


SENTENCE = st.text(st.characters(exclude_categories=["Cs"]))
IN_TABLE = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]))
LIKE_BYTES = st.sampled_from(["b'x'", 'b"it\'s"', "b''", r"b'\xc3\xa9'", r"b'\xe9'", "b' is", r"b'\d'"])


def filled(text: str) -> bool:
    return bool(text) and not text.isspace()


@pytest.mark.parametrize(
    ("layout", "sentences"),
    [
        (MNLI, (IN_TABLE.filter(filled), IN_TABLE.filter(filled))),
        (HANS, (IN_TABLE.filter(filled), IN_TABLE.filter(filled))),
        (QQP, (IN_TABLE, IN_TABLE)),
        (PAWS, ((IN_TABLE.filter(filled) | LIKE_BYTES), (IN_TABLE.filter(filled) | LIKE_BYTES))),
        (FEVER, (SENTENCE, SENTENCE.filter(filled))),
        (SYMMETRIC_1, (SENTENCE.filter(filled), SENTENCE.filter(filled))),
        (SYMMETRIC_2, (SENTENCE.filter(filled), SENTENCE.filter(filled))),
    ],
    ids=["mnli", "hans", "qqp", "paws", "fever", "sym1", "sym2"],
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_what_is_written_is_read_back(
    tmp_path: Path, layout: Format, sentences: Sequence[st.SearchStrategy[str]], data: st.DataObject
) -> None:
    labels = st.sampled_from(range(len(layout.classes)))
    subsets = st.sampled_from(layout.subsets or [""])
    examples = data.draw(st.lists(st.tuples(*sentences, labels, subsets), min_size=1, max_size=8))
    premises, hypotheses, classes, names = zip(*examples, strict=True)
    dataset = pair_dataset(premises, hypotheses, classes, layout.classes, names)
    found = layout.read(write(tmp_path, layout.text(dataset, "test")))
    assert found.features == dataset.features
    assert found.to_dict() == dataset.to_dict()


def test_files_are_written_with_the_official_columns_in_their_places() -> None:
    mnli = MNLI.text(pair_dataset(["p"], ["h"], [1], NLI_LABELS), "test").splitlines()
    assert [len(row.split("\t")) for row in mnli] == [12, 12]
    assert mnli[1].split("\t")[8:10] + mnli[1].split("\t")[-1:] == ["p", "h", "neutral"]
    hans = HANS.text(pair_dataset(["p"], ["h"], [1], HANS_LABELS, ["subsequence"]), "test").splitlines()
    assert hans[1] == "non-entailment\t\t\t\t\tp\th\t0\tsubsequence\t\t"
    assert QQP.text(pair_dataset(["p"], [""], [1], PARAPHRASE_LABELS), "test") == QQP_HEAD + "0\t\t\tp\t\t1\n"
    assert PAWS.text(pair_dataset(["p"], ["h"], [0], PARAPHRASE_LABELS), "test") == PAWS_HEAD + "0\tp\th\t0\n"
    fever = FEVER.text(pair_dataset(["é"], ["h"], [2], FACT_LABELS), "test")
    assert fever == '{"id": "0", "evidence": "é", "claim": "h", "gold_label": "NOT ENOUGH INFO"}\n'
    sym1 = SYMMETRIC_1.text(pair_dataset(["p"], ["h"], [0], SYMMETRIC_LABELS), "test")
    assert sym1 == '{"id": "0", "evidence_sentence": "p", "claim": "h", "label": "SUPPORTS"}\n'


@pytest.mark.parametrize(
    ("layout", "dataset", "reason"),
    [
        (MNLI, pair_dataset(["p", "a\tb"], ["h"] * 2, [0] * 2, NLI_LABELS), "example 1: sentence1 has a tab"),
        (MNLI, pair_dataset(["p"], ["a\nb"], [0], NLI_LABELS), "example 0: sentence2 has a tab or line break"),
        (QQP, pair_dataset(["a\rb"], ["h"], [0], PARAPHRASE_LABELS), "example 0: question1 has a tab or line break"),
        (PAWS, pair_dataset(["p"], ["b\t"], [0], PARAPHRASE_LABELS), "example 0: sentence2 has a tab"),
        (MNLI, pair_dataset([""], ["h"], [0], NLI_LABELS), "example 0: sentence1 is empty"),
        (FEVER, pair_dataset(["p"], [" "], [0], FACT_LABELS), "example 0: claim is empty"),
        (MNLI, pair_dataset([], [], [], NLI_LABELS), "no examples"),
        (MNLI, pair_dataset(["p"], ["h"], [0], HANS_LABELS), "its classes are entailment, non-entailment"),
        (MNLI, pair_dataset(["p"], ["h"], [0], NLI_LABELS[::-1]), "its classes are contradiction, neutral"),
        (MNLI, pair_dataset(["p"], ["h"], [-1], NLI_LABELS), "label -1 is none of its classes"),
        (MNLI, pair_dataset(["p"], ["h"], [0], NLI_LABELS, ["fiction"]), "unknown subset 'fiction'"),
        (HANS, pair_dataset(["p"], ["h"], [0], HANS_LABELS), "unknown subset ''; known are lexical_overlap"),
        (
            HANS_TRAIN,
            pair_dataset(["p"], ["h"], [1], NLI_LABELS, ["subsequence"]),
            "unknown label 'neutral'; known are entailment, contradiction",
        ),
        (SYMMETRIC_TRAIN, pair_dataset(["p"], ["h"], [2], FACT_LABELS), "unknown label 'NOT ENOUGH INFO'"),
    ],
)
def test_what_a_format_cannot_hold_is_refused(layout: Format, dataset: Dataset, reason: str) -> None:
    with pytest.raises(InputError) as error:
        layout.text(dataset, "the set")
    assert str(error.value).startswith("the set")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
