"""One contract for every back-end – embedded, ONNX Runtime, PyTorch –, models.toml, and what is said when something is missing.

The ONNX model is a tiny random one made here, without torch; the PyTorch tests skip where `pip install 'duluan[models]'` was not run.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from duluan.cli.enrich import app as enrich_app
from duluan.cli.models import app as models_app
from duluan.config import Models, Plugin, Profile, load_province
from duluan.errors import ConfigError, ModelError
from duluan.model import Document, Enriched
from nlp.backends import Backend, Reading, backend_for
from nlp.enrich import Enricher
from nlp.neural.onnx_model import MISSING as ONNX_MISSING
from nlp.neural.onnx_model import OnnxScorer
from nlp.neural.scoring import Window, batches, probabilities
from nlp.neural.torch_model import MISSING as TORCH_MISSING

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "đường", "hỏng", "tốt", "xã", "vào_cuộc", "Cơ_quan_chức_năng", "a", "."]
LABELS = ("neg", "neu", "pos")
ROAD = Reading("Đường xã hỏng nặng, bà con đi lại khổ sở!", "Đường vào xã hư hỏng", "comment")
needs_torch = pytest.mark.skipif(
    importlib.util.find_spec("torch") is None or importlib.util.find_spec("transformers") is None,
    reason="torch and transformers are optional: pip install 'duluan[models]'",
)


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    found = Tokenizer(models.WordLevel({word: k for k, word in enumerate(WORDS)}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair=None, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return found


def write_onnx(folder: Path, outputs: int = 3, name: str = "input_ids") -> Path:
    """The mean of random word vectors, through one random layer."""
    from onnx import TensorProto, helper, numpy_helper, save

    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    table = numpy_helper.from_array(rng.normal(size=(len(WORDS), 8)).astype(np.float32), "table")
    layer = numpy_helper.from_array(rng.normal(size=(8, outputs)).astype(np.float32), "layer")
    axes = numpy_helper.from_array(np.asarray([2], dtype=np.int64), "axes")
    over = numpy_helper.from_array(np.asarray([1], dtype=np.int64), "over")
    nodes = [
        helper.make_node("Gather", ["table", name], ["vectors"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axes"], ["wide"]),
        helper.make_node("Mul", ["vectors", "wide"], ["masked"]),
        helper.make_node("ReduceSum", ["masked", "over"], ["sum"], keepdims=0),
        helper.make_node("ReduceSum", ["mask", "over"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], ["mean"]),
        helper.make_node("MatMul", ["mean", "layer"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info(one, TensorProto.INT64, ["n", "t"]) for one in (name, "attention_mask")]
    answer = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])]
    graph = helper.make_graph(nodes, "tiny", inputs, answer, [table, layer, axes, over])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    _tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def write_torch(folder: Path) -> Path:
    """A tiny random BERT."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
    config = BertConfig(vocab_size=len(WORDS), num_labels=3, max_position_embeddings=300, **sizes)
    BertForSequenceClassification(config).save_pretrained(folder)
    marks = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    PreTrainedTokenizerFast(tokenizer_object=_tokenizer(), model_max_length=256, **marks).save_pretrained(folder)
    return folder


def _plugin(backend: str, folder: Path, **more: Any) -> Plugin:
    given_ = {"task": "sentiment", "backend": backend, "model": folder.name, "labels": LABELS, **more}
    return Plugin.model_validate(given_)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module", params=["linear", "onnx", pytest.param("transformers", marks=needs_torch)])
def models(request: pytest.FixtureRequest, folder: Path) -> Models:
    if request.param == "linear":
        return Models()
    write = write_onnx if request.param == "onnx" else write_torch
    return Models(plugin=(_plugin(request.param, write(folder / f"tiny-{request.param}")),))


@pytest.fixture(scope="module")
def backend(models: Models, folder: Path) -> Backend:
    return backend_for(models, folder)


ODD = ["", " ", "đường", "\U0001f621" * 50, "\ud800 a", "أهلا", "hỏng " * 3000, "x" * 5000, "\x00\x07"]


def test_contract_every_task_has_shares_that_sum_to_one(backend: Backend) -> None:
    readings = [ROAD, *(Reading(text, "", "news" if k % 2 else "comment") for k, text in enumerate(ODD))]
    found = backend.probabilities(readings)
    assert set(found) == set(backend.tasks) == {"topic", "sentiment", "tone", "feedback", "toxic"}
    for task, shares in found.items():
        assert shares.shape == (len(readings), len(backend.tasks[task].labels))
        assert shares.sum(axis=1) == pytest.approx(1, abs=1e-5)
        assert (shares >= 0).all()


def test_contract_a_text_is_read_alike_alone_and_among_others(backend: Backend) -> None:
    readings = [Reading("đường tốt " * n, "", "comment") for n in (1, 40, 3, 700, 2)] + [ROAD]
    together = backend.probabilities(readings)
    for place, reading in enumerate(readings):
        for task, shares in backend.probabilities([reading]).items():
            assert shares[0] == pytest.approx(together[task][place], abs=1e-4)


def test_contract_nothing_in_nothing_out(backend: Backend) -> None:
    assert {task: len(shares) for task, shares in backend.probabilities([]).items()} == dict.fromkeys(backend.tasks, 0)


def test_contract_labels_and_versions_name_what_answered(backend: Backend, models: Models, folder: Path) -> None:
    assert backend.tasks["sentiment"].labels == LABELS
    again = backend_for(models, folder)
    assert {task: spec.version for task, spec in again.tasks.items()} == {
        t: s.version for t, s in backend.tasks.items()
    }
    for plugin in models.plugin:
        assert backend.tasks["sentiment"].version.startswith(f"{plugin.model}@")
        assert backend.tasks["topic"].version.startswith("vi-")


def test_contract_enriching(models: Models, folder: Path, province_dir: Path) -> None:
    profile = _profile(province_dir, folder, models)
    (found,) = Enricher(profile, keywords=False).enrich([_document("Đường hỏng, đề nghị xã sửa")])
    assert isinstance(found, Enriched)
    assert sum(found.sentiment_p.values()) == pytest.approx(1, abs=1e-4)
    assert found.models["sentiment"] == backend_for(models, folder).tasks["sentiment"].version


def _profile(province_dir: Path, folder: Path, models: Models) -> Profile:
    return load_province(province_dir).model_copy(update={"models": models, "folder": folder})


def _document(text: str) -> Document:
    when = datetime(2026, 3, 7, tzinfo=UTC)
    url = "https://a.example.vn/1"
    return Document(id="0" * 16, url=url, source="bao", kind="comment", title="", text=text, fetched=when)


@given(st.lists(st.integers(10, 99), max_size=40), st.integers(8, 30))
def test_of_a_long_text_the_head_and_the_tail_are_read(ids: list[int], limit: int) -> None:
    cut = Window((2,), (3,), limit).cut(ids)
    assert len(cut) == min(len(ids) + 2, limit)
    assert (cut[0], cut[-1]) == (2, 3)
    inside = cut[1:-1]
    tail = (limit - 2) // 4 if len(ids) > limit - 2 else 0
    assert inside == ids[: len(inside) - tail] + ids[len(ids) - tail :]


def test_batches_hold_texts_of_like_length_and_mask_the_filling() -> None:
    (places, ids, mask), *rest = batches([[5, 6, 7], [8], []], pad=0)
    assert not rest
    assert places == [2, 1, 0]
    assert ids.tolist() == [[0, 0, 0], [8, 0, 0], [5, 6, 7]]
    assert mask.tolist() == [[1, 0, 0], [1, 0, 0], [1, 1, 1]]


def test_outputs_of_one_label_are_added_up_and_temperature_flattens() -> None:
    logits = np.log(np.asarray([[0.1, 0.2, 0.3, 0.4]], dtype=np.float32))
    groups = np.asarray([0, 1, 0, 1])
    assert probabilities(logits, 1.0, groups, 2)[0] == pytest.approx([0.4, 0.6])
    flat = probabilities(logits, 100.0, groups, 2)[0]
    assert abs(flat[0] - 0.5) < 0.01


def test_segmented_models_get_words_joined_with_an_underscore(tmp_path: Path) -> None:
    plain, joined = (
        backend_for(Models(plugin=(_plugin("onnx", write_onnx(tmp_path / "m"), segmented=s),)), tmp_path)
        for s in (False, True)
    )
    reading = [Reading("Cơ quan chức năng vào cuộc", "", "comment")]
    underscored = plain.probabilities([Reading("Cơ_quan_chức_năng vào_cuộc", "", "comment")])["sentiment"]
    assert joined.probabilities(reading)["sentiment"] == pytest.approx(underscored, abs=1e-6)
    assert plain.probabilities(reading)["sentiment"] != pytest.approx(underscored, abs=1e-3)


def _no_onnx(folder: Path) -> None:
    write_onnx(folder / "m")
    (folder / "m" / "model.onnx").write_bytes(b"not a model")


def _no_tokenizer(folder: Path) -> None:
    write_onnx(folder / "m")
    (folder / "m" / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_no_onnx, "mô hình onnx hỏng"),
        (_no_tokenizer, "thiếu tokenizer.json; xuất mô hình bằng: duluan models export"),
        (lambda folder: write_onnx(folder / "m", outputs=4), "có 4 đầu ra, models.toml nêu 3 nhãn"),
        (lambda folder: write_onnx(folder / "m", name="tokens"), "thiếu đầu vào input_ids"),
    ],
)
def test_a_model_that_cannot_answer_is_named_in_one_line(
    tmp_path: Path, spoil: Callable[[Path], object], told: str
) -> None:
    spoil(tmp_path)
    with pytest.raises(ModelError, match=told) as refused:
        backend_for(Models(plugin=(_plugin("onnx", tmp_path / "m"),)), tmp_path).probabilities([ROAD])
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "gone", "told"),
    [
        ("onnx", "onnxruntime", ONNX_MISSING),
        ("onnx", "tokenizers", ONNX_MISSING),
        ("transformers", "torch", TORCH_MISSING),
    ],
)
def test_a_missing_library_is_one_line_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, gone: str, told: str
) -> None:
    models = Models(plugin=(_plugin(name, write_onnx(tmp_path / "m")),))
    monkeypatch.setitem(sys.modules, gone, None)
    with pytest.raises(ModelError) as refused:
        backend_for(models, tmp_path)
    assert str(refused.value) == told


def test_the_command_says_it_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    result = CliRunner().invoke(models_app, ["export", "mo-hinh", "--out", str(tmp_path)])
    assert str(result.exception) == TORCH_MISSING


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        ({"labels": ["neg", "pos"]}, "gặp neg, pos, cần đủ neg, neu, pos"),
        ({"backend": "onnx", "model": "khong-co"}, "không có thư mục 'khong-co'"),
        ({"model": "ai/do"}, "trên hub phải ghim bản"),
        ({"task": "topic", "labels": ["giao_thong", "la_lung"]}, "không có chủ đề 'la_lung'"),
        ({"revision": "main"}, "revision"),
    ],
)
def test_models_toml_is_checked(province_dir: Path, tmp_path: Path, plugin: dict[str, Any], told: str) -> None:
    folder = _copied(province_dir, tmp_path)
    base = {"task": "sentiment", "backend": "transformers", "model": "ai/do", "labels": ["neg", "neu", "pos"]}
    lines = [f"{key} = {json.dumps(value)}" for key, value in {**base, **plugin}.items()]
    (folder / "models.toml").write_text("[[plugin]]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=told):
        load_province(folder)


def _copied(province_dir: Path, folder: Path) -> Path:
    import shutil

    return Path(shutil.copytree(province_dir, folder / "tinh"))


def test_models_toml_chooses_and_the_command_takes_an_older_bundle(province_dir: Path, tmp_path: Path) -> None:
    folder = _copied(province_dir, tmp_path)
    write_onnx(folder / "m")
    (folder / "models.toml").write_text(
        '[[plugin]]\ntask = "sentiment"\nbackend = "onnx"\nmodel = "m"\nlabels = ["pos", "neu", "neg"]\n',
        encoding="utf-8",
    )
    source = tmp_path / "in.jsonl"
    from duluan.records import dumps, to_record

    source.write_text(dumps(to_record(_document("Đường hỏng quá"))) + "\n", encoding="utf-8")
    run = ["--province", str(folder), "--no-keywords", "--quiet", str(source)]
    versions = []
    for extra in ([], ["--backend", "linear"], ["--bundle", str(_older(tmp_path))]):
        result = CliRunner().invoke(enrich_app, [*extra, *run])
        assert result.exit_code == 0, result.output
        versions.append(json.loads(result.stdout)["models"])
    assert [v["sentiment"].split("@")[0].split("-")[0] for v in versions] == ["m", "vi", "m"]
    assert [v["topic"] for v in versions][2] == "vi-cu"
    with pytest.raises(ConfigError, match="chưa có \\[\\[plugin\\]\\] nào với backend = 'transformers'"):
        Enricher(load_province(folder), backend="transformers")


def test_several_processes_answer_as_one_and_tell_the_same_error(province_dir: Path, tmp_path: Path) -> None:
    from duluan.records import dumps, to_record

    source = tmp_path / "in.jsonl"
    texts = [f"Đường thôn {number} hỏng quá, mưa là ngập" for number in range(300)]
    texts[7] = "???"  # refused
    source.write_text("".join(dumps(to_record(_document(text))) + "\n" for text in texts), encoding="utf-8")
    run = ["--province", str(_copied(province_dir, tmp_path)), "--no-keywords", str(source)]
    one, several = (CliRunner().invoke(enrich_app, [*run, "--workers", workers]) for workers in ("1", "2"))
    assert one.exit_code == several.exit_code == 3
    assert several.stdout == one.stdout
    assert several.stderr == one.stderr
    failed = CliRunner().invoke(enrich_app, [*run, "--workers", "2", "--backend", "transformers"])
    assert isinstance(failed.exception, ConfigError)
    assert "chưa có [[plugin]] nào" in str(failed.exception)


def _older(folder: Path) -> Path:
    import shutil

    from nlp.linear import MODELS

    out = folder / "cu"
    out.mkdir()
    shutil.copy(MODELS / "vi.npz", out)
    card = json.loads((MODELS / "vi.json").read_text(encoding="utf-8"))
    (out / "vi.json").write_text(json.dumps({**card, "version": "cu"}), encoding="utf-8")
    return out


@needs_torch
def test_an_exported_model_answers_as_its_original(tmp_path: Path) -> None:
    write_torch(tmp_path / "goc")
    result = CliRunner().invoke(models_app, ["export", str(tmp_path / "goc"), "--out", str(tmp_path / "int8")])
    assert result.exit_code == 0, result.output
    card = json.loads((tmp_path / "int8" / "duluan.json").read_text(encoding="utf-8"))
    assert (card["weights"], card["labels"]) == ("int8", list(LABELS))
    readings = [ROAD, *(Reading(text, "", "comment") for text in ODD)]
    answers = [
        backend_for(Models(plugin=(_plugin(name, tmp_path / folder),)), tmp_path).probabilities(readings)["sentiment"]
        for name, folder in (("transformers", "goc"), ("onnx", "int8"))
    ]
    assert answers[1] == pytest.approx(answers[0], abs=0.02)


def test_onnx_versions_follow_the_weights(tmp_path: Path) -> None:
    plugin = _plugin("onnx", write_onnx(tmp_path / "m"))
    before = OnnxScorer(plugin, tmp_path).version
    write_onnx(tmp_path / "m", outputs=4)
    assert OnnxScorer(plugin, tmp_path).version != before
