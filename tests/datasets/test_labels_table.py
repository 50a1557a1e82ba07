"""Tables of labels are read as people write them, and what makes no sense gets one sentence."""

import os

import pytest

from tinyvit.datasets import labels_table
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


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty"),
        ("\n , \n", "is empty"),
        ("file,labels\n", "a header and no pictures"),
        (b"file,labels\na.jpg,caf\xe9\n", r"is not UTF-8 \(line 2\)"),
        ("\ufefffile,labels\na.jpg,x\n".encode("utf-16"), "is not UTF-8"),
        ('file,labels\n"a.jpg,x\n', "damaged in line 2"),
        ("a.jpg,0,1\nb.jpg,1,0\n", "no header that names their classes"),
        ("file,a,b\nx.png,-1,1\ny.png,1,-1\n", "must be 0 or 1, got -1 in line 2"),
        ("file,a,b\nx.png,1,0\ny.png,0,-1\n", "must be 0 or 1, got -1 in line 3"),
        ("file,a,b\nx.png,3,7\n", "must be 0 or 1, got 3 in line 2"),
        ("file,a,b,a\nx.png,1,0,1\n", "several columns for a:"),
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
    monkeypatch.setattr(labels_table, "MOST_BYTES", 2**20)
    (tmp_path / "huge.csv").write_bytes(b"a.jpg,x\n" * 2**17 + b"b.jpg,x\n")
    with pytest.raises(UserError, match="larger than 1 MiB"):
        read_labels_table(tmp_path / "huge.csv")


def test_cells_of_any_length_get_a_sentence(read):
    with pytest.raises(UserError, match=r"damaged in line 2 \(field larger than field limit"):
        read("file,labels\na.jpg," + "x" * 200_000 + "\n")
