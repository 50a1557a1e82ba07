"""Tables of labels are read as people write them, and what makes no sense gets one sentence."""

import os

import numpy as np
import pytest

from tinyvit.datasets import csv_lines
from tinyvit.datasets.labels_table import read_labels_table
from tinyvit.errors import UserError


@pytest.fixture
def read(tmp_path):
    def of(text):
        path = tmp_path / "t.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_labels_table(path)

    return of


NAMES = {
    "between bars": "file,labels\na.jpg,sea|red sun\nb.jpg,\nc.jpg,sea\n",
    "between semicolons": "file,labels\na.jpg,sea; red sun\nb.jpg,\nc.jpg,sea\n",
    "between commas, quoted": 'file,labels\na.jpg,"sea, red sun"\nb.jpg,\nc.jpg,sea\n',
    "in further columns": "a.jpg,sea,red sun\nb.jpg\nc.jpg,sea\n",
    "names that run over the header": "file,labels\na.jpg,sea,red sun\nb.jpg\nc.jpg,sea\n",
    "an index, no header": "0,a.jpg,sea|red sun\n1,b.jpg,\n2,c.jpg,sea\n",
    "in named columns": "image,first,second\na.jpg,sea,red sun\nb.jpg,,\nc.jpg,sea,\n",
    "columns of 0 and 1": "Image ID,sea,red sun\na.jpg,1,1\nb.jpg,0,0\nc.jpg,1,0\n",
    "columns of true and nothing": "path,sea,red sun\na.jpg,True,TRUE\nb.jpg,,\nc.jpg,true,\n",
    "columns of 1.0": "filename,sea,red sun\na.jpg,1.0,1.0\nb.jpg,0.0,0.0\nc.jpg,1.0,0.0\n",
    "separated by semicolons": "file;labels\na.jpg;sea,red sun\nb.jpg;\nc.jpg;sea\n",
    "separated by tabs": "file\ttags\na.jpg\tsea|red sun\nb.jpg\t\nc.jpg\tsea\n",
    "byte order mark, Windows lines": b"\xef\xbb\xbffile,labels\r\na.jpg,sea|red sun\r\nb.jpg,\r\n\r\nc.jpg,sea\r\n",
    "an index before, another column behind": ",filename,labels,width\n0,a.jpg,sea|red sun,10\n1,b.jpg,,20\n2,c.jpg,sea,20\n",
    "the file in the last column": "labels,photo\nsea|red sun,a.jpg\n,b.jpg\nsea,c.jpg\n",
    "an unknown name of the file's column": "Foto,labels\na.jpg,sea|red sun\nb.jpg,\nc.jpg,sea\n",
    "accents of two characters": "file,labels\na.jpg,sea|red sun\nb.jpg,\nc.jpg,sea\n",
}


@pytest.mark.parametrize("way", NAMES)
def test_the_same_in_many_ways(read, way):
    table = read(NAMES[way])
    assert [(row.file, row.names, row.split) for row in table.rows] == [
        ("a.jpg", ("sea", "red sun"), ""), ("b.jpg", (), ""), ("c.jpg", ("sea",), ""),
    ]  # fmt: skip
    assert table.class_names == (("sea", "red sun") if way.startswith("columns") else None)


def test_words_between_spaces_are_names_where_they_combine(read):
    planet = read(
        "image_name,tags\nt_0,haze primary\nt_1,clear primary road\nt_2,clear haze\nt_3,road\nt_4,haze road\n"
    )
    assert planet.rows[1].names == ("clear", "primary", "road")
    assert "separated by spaces" in planet.understood
    dogs = read("file,label\na.jpg,golden retriever\nb.jpg,tabby cat\nc.jpg,tabby cat\n")
    assert dogs.rows[0].names == ("golden retriever",)


def test_accents_are_one_character(read):
    assert read("file,labels\na.jpg,cafe\u0301\nb.jpg,caf\u00e9\n").rows[0].names == ("caf\u00e9",)


def test_splits(read):
    assert [row.split for row in read("file,labels,Split\na.jpg,x,train\nb.jpg,y,val\n").rows] == ["train", "val"]
    fastai = read("fname,labels,is_valid\n1.jpg,chair person,True\n2.jpg,person,False\n3.jpg,chair,False\n")
    assert [row.split for row in fastai.rows] == ["val", "train", "train"]


def test_what_is_left_out_is_told(read):
    nih = read("Image Index,Finding Labels,Follow-up #,Age\n1.png,Mass|Hernia,0,50\n2.png,No Finding,1,60\n")
    assert nih.rows[0].names == ("Mass", "Hernia")
    assert "columns left out: Follow-up #, Age" in nih.understood
    assert "separated by |" in nih.understood


def test_classes_may_be_called_as_columns_of_labels_are(read):
    table = read("file,dog,price tag,class\na.jpg,1,0,1\nb.jpg,0,1,0\n")
    assert table.class_names == ("dog", "price tag", "class")
    both = read("file,labels,is_blurred\na.jpg,dog|cat,0\nb.jpg,cat,1\n")
    assert both.rows[0].names == ("dog", "cat")
    assert "columns left out: is_blurred" in both.understood


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("\n , \n", "is empty"),
        ("file,labels\n", "a header and no images"),
        (b"file,labels\na.jpg,caf\xe9\n", r"is not UTF-8 \(line 2\)"),
        ("\ufefffile,labels\na.jpg,x\n".encode("utf-16"), "is not UTF-8"),
        ('file,labels\n"a.jpg,x\n', "damaged in line 2"),
        ("a.jpg,0,1\nb.jpg,1,0\n", "no header that names their classes"),
        ("file,a,b\nx.png,-1,1\ny.png,1,-1\n", "must be 0 or 1, got -1 in line 2"),
        ("file,a,b\nx.png,1,0\ny.png,0,-1\n", "must be 0 or 1, got -1 in line 3"),
        ("file,a,b\nx.png,3,7\n", "must be 0 or 1, got 3 in line 2"),
        ("file,a,b,a\nx.png,1,0,1\n", "several columns for a:"),
        ("file,a,b\nx.png,1,0\ny.png,1,0,1\n", "more cells in line 3 than its header"),
        ("file,labels,split\nx.png,sea,sun,val\n", "more cells in line 2 than its header"),
    ],
)
def test_what_makes_no_sense_gets_one_sentence(read, text, sentence):
    with pytest.raises(UserError, match=sentence) as error:
        read(text)
    assert "\n" not in str(error.value)


def test_missing_tables_folders_pipes_and_huge_ones(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="does not exist"):
        read_labels_table(tmp_path / "t.csv")
    with pytest.raises(UserError, match="a folder or a device"):
        read_labels_table(tmp_path)
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(UserError, match="a folder or a device"):
        read_labels_table(tmp_path / "pipe.csv")
    monkeypatch.setattr(csv_lines, "MAX_BYTES", 2**20)
    (tmp_path / "huge.csv").write_bytes(b"a.jpg,x\n" * 2**17 + b"b.jpg,x\n")
    with pytest.raises(UserError, match="larger than 1 MiB"):
        read_labels_table(tmp_path / "huge.csv")


def test_cells_of_any_length_get_a_sentence(read):
    with pytest.raises(UserError, match=r"damaged in line 2 \(field larger than field limit"):
        read("file,labels\na.jpg," + "x" * 200_000 + "\n")


def test_tables_at_random_are_read_or_refused_in_a_sentence(read):
    """Bytes changed, lost and doubled: nothing but a table or one sentence comes out."""
    rng = np.random.default_rng(0)
    outcomes = {}
    for number in range(400):
        text = NAMES[list(NAMES)[number % len(NAMES)]]
        content = bytearray(text if isinstance(text, bytes) else text.encode())
        for _ in range(rng.integers(1, 6)):
            place = int(rng.integers(len(content) + 1))
            content[place : place + rng.integers(3)] = bytes(
                rng.choice(list(b'\x00\xff",;|\n\r\t01a'), rng.integers(4))
            )
        try:
            table = read(bytes(content))
        except UserError as error:
            outcomes[str(error)] = "refused"
            continue
        outcomes[number] = "read"
        assert all(row.file for row in table.rows)
        assert all(name for row in table.rows for name in row.names)
    assert {*outcomes.values()} == {"read", "refused"}
    assert not any("\n" in str(what) for what in outcomes)


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        (
            "file,labels\na.jpg,x|y\n",
            "with the files in column 'file', and names of classes in 1 column, separated by |.",
        ),
        ("a.jpg,x,y\n", "with the files in column 1, no header, and names of classes in 2 columns."),
        (
            "img;split;x\na.jpg;val;1\n",
            "with the files in column 'img', the splits in column 'split', and a column of 0 and 1 for 1 class.",
        ),
    ],
)
def test_how_a_table_was_understood_is_told(read, text, understood):
    assert read(text).understood == f"t.csv was read as a table {understood}"
