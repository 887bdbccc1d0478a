"""A transformer run by onnxruntime, with the tokenizer of its folder. The only place that imports onnxruntime."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.model_folder import ModelFolder, thread_count

_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}

Text = str | tuple[str, str]
"""A text or a pair of them."""


class OnnxGraph:
    """Safe to use from many threads."""

    def __init__(self, folder: ModelFolder, file: Path, *, output: Sequence[str]) -> None:
        """`output` names what is asked of the graph; the first that it has is taken.

        Raises:
            OSError: onnxruntime cannot read it.
            ValueError: it takes or gives something else.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = thread_count()
        self.file = file
        try:
            self._session = onnxruntime.InferenceSession(
                str(file), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # Of onnxruntime's own kinds, which have nothing in common.
            raise OSError(f"{file.name}: {error}") from error
        self._inputs = {value.name for value in self._session.get_inputs()}
        given = [value.name for value in self._session.get_outputs()]
        if not self._inputs <= _INPUTS or not set(output) & set(given):
            raise ValueError(f"{file.name} takes {sorted(self._inputs)} and gives {given}")
        self._output = next(name for name in output if name in given)
        self._tokenizer = folder.tokenizer()
        self._tells_texts_apart = folder.tells_texts_apart()

    def run(self, texts: Sequence[Text]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """What the graph gives for one batch, and its attention mask (len(texts), tokens)."""
        encodings = self._tokenizer.encode_batch(list(texts))
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        types = np.array([encoding.type_ids for encoding in encodings], dtype=np.int64)
        feed = {
            "input_ids": np.array([encoding.ids for encoding in encodings], dtype=np.int64),
            "attention_mask": mask,
            "token_type_ids": types if self._tells_texts_apart else np.zeros_like(types),
        }
        (given,) = self._session.run([self._output], {name: feed[name] for name in self._inputs})
        return np.asarray(given, dtype=np.float32), mask


def open_graph(folder: ModelFolder, *, output: Sequence[str]) -> OnnxGraph | None:
    """The graph of a folder; None where there is none that can be run here as the folder's transformer."""
    file = folder.onnx_file()
    has_tokenizer = (folder.transformer / "tokenizer.json").is_file()
    if file is None or not has_tokenizer or importlib.util.find_spec("onnxruntime") is None:
        return None
    try:
        return OnnxGraph(folder, file, output=output)
    except ValueError:
        return None
