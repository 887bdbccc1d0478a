"""A sentence-transformers model folder: where it is, what it says of itself, and which of its files to run.

Read by sentence-transformers' own rules, without importing it.
"""

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import Tokenizer
from tokenizers.normalizers import BertNormalizer, Lowercase
from tokenizers.normalizers import Sequence as NormalizerSequence

from embeddings.errors import ModelUnavailable

_BATCH = 32
_PASSAGE_PROMPTS = ("document", "passage", "corpus")
# What hubs hold beside the model, and the graphs that are never run here.
_UNREAD = [
    *("*.h5", "*.msgpack", "*.ot", "*.gguf", "*.tflite", "openvino/*", "coreml/*"),
    *("onnx/*_O[1234].onnx", "onnx/*fp16*", "onnx/*q4*", "onnx/*bnb4*"),
]
_SETTINGS_FILES = (
    "sentence_bert_config.json",
    "sentence_roberta_config.json",
    "sentence_xlm-roberta_config.json",
)
# Of `_SETTINGS_FILES`: all that has to be known to run the transformer as sentence-transformers does.
_KNOWN_SETTINGS = {
    *("max_seq_length", "do_lower_case", "transformer_task", "modality_config", "module_output_name"),
    "unpad_inputs",
}
# Of transformers: those that say nothing of a token but what it is.
_PLAIN_TOKENIZERS = ("TokenizersBackend", "PreTrainedTokenizerFast")
_NO_LIMIT = 1_000_000
_ANY_CPU = (
    *("model_quantized", "model_int8", "model_qint8_quantized"),
    *("model_quint8_quantized", "model_uint8"),
)


class Module(NamedTuple):
    kind: str
    folder: Path


class ModelFolder:
    """One folder: its modules in the order that they are run (none where it has no list), and where the first of
    them is. What it lacks or says wrongly is raised as an OSError, ValueError, KeyError, TypeError or
    AttributeError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.modules = _modules(path)
        self.settings: dict[str, Any] = _json_or_nothing(path / "config_sentence_transformers.json")
        self.transformer = self.modules[0].folder if self.modules else path
        self.config: dict[str, Any] = _json_or_nothing(self.transformer / "config.json")
        said = (_json_or_nothing(self.transformer / name) for name in _SETTINGS_FILES)
        self._transformer: dict[str, Any] = next(filter(None, said), {})

    def prompts(self) -> tuple[str, str]:
        """What the model wants in front of a query and of a passage."""
        prompts: dict[str, str | None] = self.settings.get("prompts") or {}
        default = str(self.settings.get("default_prompt_name"))
        for_query = prompts.get("query" if "query" in prompts else default) or ""
        named = [prompts[name] or "" for name in _PASSAGE_PROMPTS if name in prompts]
        for_any = "" if named or default == "query" else prompts.get(default) or ""
        return for_query, next(filter(None, named), for_any)

    def truncated(self, dim: int) -> int:
        """How many of `dim` dimensions are kept."""
        return min(dim, int(self.settings.get("truncate_dim") or dim))

    def is_plain(self) -> bool:
        """Whether the transformer is run on text as it is, by nothing but the settings known here."""
        task = self._transformer.get("transformer_task", "feature-extraction")
        return (
            {key for key, value in self._transformer.items() if value} <= _KNOWN_SETTINGS
            and task in ("feature-extraction", "sequence-classification")
            and set(self._transformer.get("modality_config", ["text"])) == {"text"}
        )

    def tokenizer(self) -> Tokenizer:
        """The tokenizer, cutting and padding as the folder says."""
        config = _json_or_nothing(self.transformer / "tokenizer_config.json")
        tokenizer = read_tokenizer(self.transformer / "tokenizer.json")
        _apply_settings(tokenizer, config)
        if self._transformer.get("do_lower_case"):
            inner = [tokenizer.normalizer] if tokenizer.normalizer else []
            tokenizer.normalizer = NormalizerSequence([Lowercase(), *inner])
        tokenizer.enable_truncation(
            self._max_tokens(config), direction=config.get("truncation_side", "right")
        )
        pad = _token_text(config.get("pad_token")) or "[PAD]"
        tokenizer.enable_padding(
            direction=config.get("padding_side", "right"),
            pad_id=tokenizer.token_to_id(pad) or 0,
            pad_token=pad,
        )
        return tokenizer

    def tells_texts_apart(self) -> bool:
        """Whether the transformer is told which of two texts a token is of, if it can be."""
        config = _json_or_nothing(self.transformer / "tokenizer_config.json")
        stated = config.get("model_input_names")
        if stated is not None:
            return "token_type_ids" in stated
        return config.get("tokenizer_class") not in _PLAIN_TOKENIZERS

    def onnx_file(self) -> Path | None:
        """The graph that suits this machine's CPU: int8 where there is one, else in full precision."""
        folders = (self.transformer / "onnx", self.transformer)
        graphs = (folder / f"{name}.onnx" for name in onnx_names(*_cpu()) for folder in folders)
        return next((graph for graph in graphs if graph.is_file()), None)

    def fingerprint(self, graph: Path | None) -> str:
        """A hash of the settings and the weights, the same wherever the folder is.

        The weights in full precision are one space whatever runs them; those of a quantised graph are another.
        """
        folders = {module.folder for module in self.modules} | {self.path}
        files = [path for folder in folders for path in folder.glob("*.json")]
        weights = [path for folder in folders for path in _torch_weights(folder)]
        if graph is not None and (graph.stem != "model" or not weights):
            weights = list(graph.parent.glob(f"{graph.name}*"))
        return fingerprint(self.path, [*files, *weights])

    def _max_tokens(self, tokenizer_config: dict[str, Any]) -> int:
        stated = self._transformer.get("max_seq_length")
        if stated:
            return int(stated)
        limits = [tokenizer_config.get("model_max_length"), self.config.get("max_position_embeddings")]
        return min((int(limit) for limit in limits if limit and 0 < limit < _NO_LIMIT), default=512)


def find_folder(name: str, *, remedy: str) -> Path:
    """The folder of a model: a path, or a name on a hub, taken from the hub's cache on this machine if it is there.

    Raises:
        ModelUnavailable: there is none; the message ends with what else can be done, the `remedy`.
    """
    if Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    reason: Exception | None = None
    for is_local in (True, False):
        try:
            folder = Path(snapshot_download(name, ignore_patterns=_UNREAD, local_files_only=is_local))
        except (OSError, ValueError, HfHubHTTPError, HFValidationError) as error:
            reason = error
            continue
        if _is_whole(folder):
            return folder
    raise ModelUnavailable(
        f"The model “{name}” is no folder, it is not whole in the hub's cache on this machine, and it cannot be"
        f" downloaded. Where there is a network, `hf download {name} --local-dir FOLDER` fetches it; bring FOLDER"
        f" here and name its path, or set HF_ENDPOINT to a mirror of the hub that this machine can reach. {remedy}"
    ) from reason


def onnx_names(machine: str, flags: frozenset[str]) -> list[str]:
    """The names of graphs that a CPU runs well, best first, as sentence-transformers and optimum give them."""
    if machine in ("aarch64", "arm64"):
        return ["model_qint8_arm64", *_ANY_CPU, "model"]
    names = ["model_quint8_avx2"]
    if "avx512f" in flags:
        names.insert(0, "model_qint8_avx512")
    if flags & {"avx512_vnni", "avx_vnni"}:
        names.insert(0, "model_qint8_avx512_vnni")
    return [*names, *_ANY_CPU, "model"]


def batches_by_length(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Rows of about equal length together: padding is work thrown away."""
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    for start in range(0, len(order), _BATCH):
        yield order[start : start + _BATCH]


def thread_count() -> int:
    """Half of the cores: two torch threads on busy cores measured ten times slower than one."""
    allowed: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    cores = len(allowed(0)) if allowed else os.cpu_count() or 1
    return max(1, cores // 2)


def fingerprint(root: Path, files: Sequence[Path]) -> str:
    """A hash of every file's name, size, head and tail."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(str(path.stat().st_size).encode())
        with path.open("rb") as file:
            digest.update(file.read(1 << 20))
            file.seek(max(0, path.stat().st_size - (1 << 20)))
            digest.update(file.read())
    return digest.hexdigest()[:12]


def read_tokenizer(path: Path) -> Tokenizer:
    """Raises: ValueError."""
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises nothing more special.
        raise ValueError(f"{path.name}: {error}") from error


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _json_or_nothing(path: Path) -> Any:
    return read_json(path) if path.is_file() else {}


def _modules(path: Path) -> list[Module]:
    listed = _json_or_nothing(path / "modules.json")
    return [Module(module["type"].rsplit(".", 1)[-1], path / module["path"]) for module in listed]


def _is_whole(folder: Path) -> bool:
    """Whether a download was not broken off before the weights."""
    has_settings = any((folder / name).is_file() for name in ("modules.json", "config.json"))
    return has_settings and any(
        path.suffix in (".safetensors", ".bin", ".onnx") for path in folder.rglob("*")
    )


def _torch_weights(folder: Path) -> list[Path]:
    return list(folder.glob("*.safetensors")) or list(folder.glob("*.bin"))


def _apply_settings(tokenizer: Tokenizer, config: dict[str, Any]) -> None:
    """What tokenizer_config.json says of BERT's normalisation counts more than what tokenizer.json holds."""
    held = json.loads(tokenizer.to_str())["normalizer"] or {}
    if held.get("type") == "BertNormalizer":
        tokenizer.normalizer = BertNormalizer(
            clean_text=held["clean_text"],
            handle_chinese_chars=config.get("tokenize_chinese_chars", held["handle_chinese_chars"]),
            strip_accents=config.get("strip_accents", held["strip_accents"]),
            lowercase=config.get("do_lower_case", held["lowercase"]),
        )


def _token_text(token: str | dict[str, Any] | None) -> str | None:
    return token["content"] if isinstance(token, dict) else token


@cache
def _cpu() -> tuple[str, frozenset[str]]:
    """The machine, and the abilities of its CPU where the system tells them."""
    told = Path("/proc/cpuinfo")
    lines = told.read_text(encoding="utf-8", errors="replace").splitlines() if told.is_file() else []
    flags = next((line.split(":", 1)[1].split() for line in lines if line.startswith("flags")), [])
    return platform.machine().lower(), frozenset(flags)
