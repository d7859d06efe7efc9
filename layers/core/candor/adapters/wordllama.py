"""
WordLlama: one vector a token, for the languages MiniLM does not know.

A text's vector is the mean of its tokens'. The table (256 × 32,000, MIT) was distilled from language
models' embeddings by the `wordllama` package; it is read from the package's files, which is not imported:
its own loader looks for the tokenizer where it is not and then on the network.
"""

import importlib.util
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from candor.errors import Unavailable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS: Final = 256

_TABLE: Final = "weights/l2_supercat_256.safetensors"
_TOKENIZER: Final = "tokenizers/l2_supercat_tokenizer_config.json"


class WordLlama:
    """Texts to vectors, `[n, 256] float32`, normalised; 2,300 passages a second. Loaded on first use."""

    def __init__(self) -> None:
        self._table: NDArray[np.float16] | None = None
        self._tokenizer: Any = None

    def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        import numpy as np

        table, tokenizer = self._loaded()
        vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, encoded in enumerate(tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            if encoded.ids:
                vectors[row] = table[encoded.ids].astype(np.float32).mean(axis=0)
        size = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors /= np.where(size > 0, size, 1)
        return vectors

    def _loaded(self) -> tuple[Any, Any]:
        if self._table is None:
            try:
                from tokenizers import Tokenizer

                folder = _folder()
                self._tokenizer = Tokenizer.from_file(str(folder / _TOKENIZER))
                self._tokenizer.no_padding()
                self._tokenizer.no_truncation()
                self._table = _mapped(folder / _TABLE)
            except (ImportError, OSError, ValueError, KeyError) as error:
                raise Unavailable("The multilingual embedding table cannot be read.") from error
        return self._table, self._tokenizer


def _folder() -> Path:
    found = importlib.util.find_spec("wordllama")
    if found is None or found.origin is None:
        raise Unavailable("The multilingual embedding table is not installed.")
    return Path(found.origin).parent


def _mapped(file: Path) -> Any:
    """The one tensor of a safetensors file (8 bytes of length, a JSON header, the numbers), mapped."""
    import numpy as np

    with file.open("rb") as handle:
        (length,) = struct.unpack("<Q", handle.read(8))
        tensor = json.loads(handle.read(length))["embedding.weight"]
    kinds = {"F16": "<f2", "F32": "<f4"}
    start = 8 + length + tensor["data_offsets"][0]
    return np.memmap(file, kinds[tensor["dtype"]], "r", offset=start, shape=tuple(tensor["shape"]))
