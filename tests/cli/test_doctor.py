"""A diagnosis looks, and changes nothing."""

from tinyvit.cli import main
from tinyvit.datasets import download, find


def test_doctor_downloads_nothing(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(find, "REPOSITORY_DATA", tmp_path)
    monkeypatch.setenv("TINYVIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("TINYVIT_DATA", raising=False)
    monkeypatch.setattr(download, "download", lambda *args, **kwargs: 1 / 0)
    assert main(["doctor"]) == 0
    assert "tinyvit train will download it" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_doctor_tells_damaged_data_from_missing(monkeypatch, tmp_path, capsys):
    (tmp_path / "mnist").mkdir()
    for name in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (tmp_path / "mnist" / f"{name}-ubyte.gz").write_bytes(b"no gzip")
    monkeypatch.setattr(find, "REPOSITORY_DATA", tmp_path)
    monkeypatch.delenv("TINYVIT_DATA", raising=False)
    assert main(["doctor"]) == 0
    assert "damaged" in capsys.readouterr().out
