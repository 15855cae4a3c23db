"""Files of items: every one is read as it was written, and mistakes are named by their line."""

from __future__ import annotations

import codecs
import csv
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_cartesia import LocalProtocolError
from trio_cartesia.batch import Item, read_items
from trio_cartesia.batch.items import jobs_from

SHARED = {
    "model_id": "sonic-latest",
    "voice": "6ccbfb76-1fc6-48f7-b71d-91ac6298247b",
    "output_format": {"encoding": "pcm_s16le", "sample_rate": 8000},
}
IDS = st.text("abcxyz019-_äßß中 ", min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1).filter(str.strip)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "language": st.sampled_from(["en", "de"]),
        "voice": st.just("another-voice"),
        "max_buffer_delay_ms": st.integers(0, 5000),
        "add_timestamps": st.booleans(),
        "speed": st.floats(0.6, 1.5) | st.just("fast"),
        "volume": st.floats(0.5, 2.0),
        "emotion": st.just("calm"),
    },
)
DEEP = "[" * 5000 + "]" * 5000  # deeper than Python's own parser goes
ROWS = st.lists(st.tuples(IDS, TEXTS, SETTINGS), min_size=1, max_size=6)


def expected(rows):
    """Return what ought to be read of *rows*: speed, volume and emotion are one setting."""
    for item_id, text, settings in rows:
        config = {
            name: settings[name]
            for name in ("speed", "volume", "emotion")
            if name in settings and settings[name] != "fast"
        }
        others = {name: value for name, value in settings.items() if name not in config}
        more = {"generation_config": config} if config else {}
        yield Item(item_id, text, settings={**others, **more})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("items")


@given(ROWS)
def test_csv_is_read_as_it_was_written(folder, rows):
    names = ["id", "text", *{name: None for *_, settings in rows for name in settings}]
    with (folder / "items.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for item_id, text, settings in rows:
            given_values = [settings.get(name, "") for name in names[2:]]
            cells = [v if isinstance(v, str) else json.dumps(v) for v in given_values]
            writer.writerow([item_id, text, *cells])
    assert read_items(folder / "items.csv") == list(expected(rows))


@given(ROWS)
def test_json_lines_are_read_as_they_were_written(folder, rows):
    lines = [{"id": item_id, "text": text, **settings} for item_id, text, settings in rows]
    path = folder / "items.jsonl"
    path.write_text("\n\n".join(map(json.dumps, lines)), encoding="utf-8")
    assert read_items(path) == list(expected(rows))


@given(st.lists(TEXTS.map(str.strip), min_size=1, max_size=6))
def test_other_files_have_a_text_on_each_line(folder, texts):
    path = folder / "items.txt"
    path.write_text("\r\n\r\n".join(texts), encoding="utf-8-sig", newline="")
    items = read_items(path)
    assert [item.text for item in items] == texts
    assert [item.id for item in items] == [f"line-{2 * n + 1:04}" for n in range(len(texts))]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "", "line 1 has no column id and no text"),
        ("a.csv", "id,txt\na,b\n", "line 1 has no column text"),
        ("a.csv", "id,text,speeed\na,b,1\n", "line 1: there is no setting 'speeed'"),
        ("a.csv", "id,text,id\na,b,c\n", "line 1 has the column id twice"),
        ("a.csv", 'id,text\na,"two\nlines"\nb\n', "line 4 has 1 cells, and the header 2"),
        ("a.csv", 'id,text\na,"open\n', "line 2: unexpected end of data"),
        ("a.csv", "id,text,speed\na,b,quick\n", "line 2: the cell of speed is not valid JSON"),
        ("a.csv", f"id,text,speed\na,b,{DEEP}\n", "line 2: the cell of speed is not valid JSON"),
        ("a.jsonl", f'{{"id": "a", "text": "b", "speed": {DEEP}}}', "line 1 is not valid JSON"),
        ("a.csv", "id,text\n", "has no texts"),
        ("a.jsonl", '{"id": "a", "text": "b"}\n{"id": "c"}', "line 2 has no member text"),
        ("a.jsonl", "[1]", "line 1 is not a JSON object"),
        ("a.ndjson", "\n{", "line 2 is not valid JSON"),
        ("a.jsonl", '{"id": 1, "text": "b", "emotion": "sad", "generation_config": 3}', "line 1"),
        ("a.txt", " \n\t\n", "has no texts"),
    ],
)
def test_mistakes_are_named_by_their_line(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(LocalProtocolError) as caught:
        read_items(path)
    assert message in str(caught.value)
    assert name in str(caught.value)


def test_bytes_that_are_no_text_are_named_by_their_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(codecs.BOM_UTF8 + b"good\n" * 5000 + b"b\xff\n")
    with pytest.raises(LocalProtocolError, match="line 5001 is not UTF-8"):
        read_items(path)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([Item("a", "b", line=2), Item("a", "c", line=5)], "line 5: the id 'a' of line 2"),
        ([Item("é", "b"), Item("e\u0301", "c")], "only in its case"),
        ([Item("../a", "b")], "cannot name a file"),
        ([Item("a", " \n", line=7)], "line 7: the text is empty"),
        ([Item("a" * 201, "b")], "at most 200 bytes"),
        ([Item(3, "b")], "id must be a str"),
        ([Item("a", "b", settings={"max_buffer_delay_ms": 9000}, line=3)], "line 3: .* 5000"),
        ([Item("a", "b", settings={"loudness": 1})], "item 'a': a context has no setting"),
        (["a"], "items must be Item objects"),
        ([Item("a", "b", settings=None)], "item 'a': settings must be a mapping .*, not None"),
        (
            [Item("a", "b", settings={1: 2})],
            "item 'a': settings must be a mapping with keys of str",
        ),
    ],
)
def test_mistakes_in_items_are_found_before_anything_is_sent(items, message):
    with pytest.raises(LocalProtocolError, match=message):
        jobs_from(items, SHARED, raw=False)


@given(TEXTS, TEXTS)
def test_a_fingerprint_is_of_the_text_and_of_the_settings(one, two):
    def print_of(text, **settings):
        (job,) = jobs_from([Item("a", text, settings=settings)], SHARED, raw=False)
        return job.fingerprint

    assert (print_of(one) == print_of(two)) == (one == two)
    assert print_of(one) == print_of(one, voice=SHARED["voice"])
    assert print_of(one) != print_of(one, language="de")
