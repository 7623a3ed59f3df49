"""The runtime driver: networks on the CPU or an accelerator through LiteRT, or its predecessor tflite-runtime.

Neither interpreter is hardened against hostile model bytes (tflite-runtime 2.14 dies of a file cut short).
Pass only bytes whose SHA-256 was checked (edge/trust/packs.py); what is refused here are honest mistakes.

LiteRT prints one INFO line at the first load; it offers no supported way to silence it.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Callable, Mapping
from pathlib import PurePath
from types import ModuleType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from edge.devices import TensorSpec
from edge.errors import DelegateUnavailable, LfrError, ModelRejected, PackShapeMismatch, RuntimeUnavailable

RuntimeKind = Literal["auto", "litert", "tflite-runtime"]
Kernels = Literal["fast", "builtin", "reference"]
"""Whose arithmetic: the runtime's own choice (XNNPACK where it has one), its kernels without it, or the plain ones."""

_MODULES: dict[str, tuple[str, str]] = {
    "litert": ("ai-edge-litert", "ai_edge_litert.interpreter"),
    "tflite-runtime": ("tflite-runtime", "tflite_runtime.interpreter"),
}
_RESOLVERS: dict[Kernels, str] = {
    "fast": "AUTO",
    "builtin": "BUILTIN_WITHOUT_DEFAULT_DELEGATES",
    "reference": "BUILTIN_REF",
}
_KERNELS_NAMED: dict[Kernels, str] = {"fast": "", "builtin": "-builtin", "reference": "-reference"}
_Failure = Callable[[str, str, Exception], LfrError]

_FILE_IDENTIFIER = b"TFL3"
_DTYPES = ("float32", "int8", "uint8")
_DELEGATE_ENTRY_POINTS = ("tflite_plugin_create_delegate", "tflite_plugin_destroy_delegate")
_FLIP = np.uint8(0x80)
"""uint8 v as int8 v - 128 differs in the top bit alone."""


def choose_runtime(
    kind: RuntimeKind,
    threads: int,
    delegate_library: str | None = None,
    delegate_options: Mapping[str, str] | None = None,
    kernels: Kernels = "fast",
) -> LiteRtRuntime:
    """The runtime asked for; auto takes ai-edge-litert, or else tflite-runtime. A van runs the fast kernels.

    Raises: RuntimeUnavailable, saying what to install; DelegateUnavailable, naming the library.
    """
    for candidate in _MODULES if kind == "auto" else (kind,):
        module = _import_interpreter(candidate)
        if module is not None:
            return LiteRtRuntime(candidate, module, threads, delegate_library, delegate_options or {}, kernels)
    wanted = "no inference runtime" if kind == "auto" else f"runtime {kind} asked for, but {_MODULES[kind][0]} not"
    raise RuntimeUnavailable(
        f"{wanted} installed; install ai-edge-litert (pip install 'lfr-edge[litert]'), or for Coral's older stack "
        "on Python 3.11 and below tflite-runtime with numpy < 2 (pip install 'lfr-edge[tflite-runtime]')"
    )


def _import_interpreter(kind: str) -> ModuleType | None:
    """The interpreter's module, or None when it is not installed. Raises: RuntimeUnavailable when it is broken."""
    package, module = _MODULES[kind]
    if (
        kind == "tflite-runtime"
        and importlib.util.find_spec("tflite_runtime")
        and np.lib.NumpyVersion(np.__version__) >= "2.0.0"
    ):
        raise RuntimeUnavailable(
            f"tflite-runtime is installed beside numpy {np.__version__}, with which it dies: "
            "install numpy below 2, or ai-edge-litert"
        )
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is not None and module.startswith(error.name):
            return None
        raise RuntimeUnavailable(f"{package} is installed but lacks {error.name}: reinstall it") from error
    except ImportError as error:
        raise RuntimeUnavailable(f"{package} is installed but does not load: {error}; reinstall it") from error


class LiteRtRuntime:
    """An interpreter library, and the accelerator's delegate if there is one. Make with `choose_runtime`."""

    def __init__(
        self,
        kind: str,
        interpreter: ModuleType,
        threads: int,
        delegate_library: str | None,
        delegate_options: Mapping[str, str],
        kernels: Kernels = "fast",
    ) -> None:
        """Raises: DelegateUnavailable."""
        self.name = _MODULES[kind][0]
        self.version = importlib.metadata.version(self.name)
        self.backend = kind + _KERNELS_NAMED[kernels]
        self._interpreter = interpreter
        self._threads = threads
        self._delegate_library = delegate_library
        self._delegate_options = dict(delegate_options)
        self._resolver = getattr(interpreter.OpResolverType, _RESOLVERS[kernels])
        if delegate_library is not None:
            self.backend += f"+{PurePath(delegate_library).name}"
            _check_delegate(delegate_library)

    def load(self, content: bytes, label: str) -> LiteRtModel:
        """Load verified bytes, and run them once. Raises: ModelRejected, DelegateUnavailable."""
        if content[4:8] != _FILE_IDENTIFIER:
            raise ModelRejected(
                f"{label}: refused: no TFLite model: {content[4:8]!r} at byte 4, need {_FILE_IDENTIFIER!r}"
            )
        delegates = [] if self._delegate_library is None else [self._open_delegate(self._delegate_library)]
        try:
            interpreter = self._interpreter.Interpreter(
                model_content=content,
                num_threads=self._threads,
                experimental_delegates=delegates,
                experimental_op_resolver_type=self._resolver,
            )
        except ValueError as error:
            raise ModelRejected(f"{label}: refused by {self.name} {self.version}: {_one_line(error)}") from error
        except RuntimeError as error:
            raise self._failed(label, "could not be prepared", error) from error
        try:
            interpreter.allocate_tensors()
        except (RuntimeError, ValueError) as error:
            raise self._failed(label, "could not be prepared", error) from error
        model = LiteRtModel(interpreter, content, label, self._failed)
        model.run(np.zeros(model.inputs[0].shape, np.uint8))
        return model

    def _open_delegate(self, library: str) -> Any:
        try:
            return self._interpreter.load_delegate(library, self._delegate_options)
        except (OSError, RuntimeError, ValueError) as error:
            raise DelegateUnavailable(
                f"{library}: the delegate does not start: {_one_line(error)}; "
                "check that the accelerator is plugged in, powered and free, and that its driver is loaded"
            ) from error

    def _failed(self, label: str, what: str, error: Exception) -> LfrError:
        """The error for a model that fails where the accelerator, or its absence, may be to blame."""
        detail = f"{label}: {what} by {self.name} {self.version}: {_one_line(error)}"
        if self._delegate_library is not None:
            return DelegateUnavailable(f"{detail}; on delegate {self._delegate_library}: check the accelerator")
        if "custom op" in str(error):
            return ModelRejected(
                f"{detail}; it was compiled for an accelerator: configure that one's delegate, or use a CPU build"
            )
        return ModelRejected(detail)


class LiteRtModel:
    """A loaded network; one thread at a time."""

    def __init__(self, interpreter: Any, content: bytes, label: str, failed: _Failure) -> None:
        """failed: makes the error of a failed run. Raises: ModelRejected for tensors we cannot read."""
        self._interpreter = interpreter
        self._content = content  # the interpreter reads from these bytes as long as it lives
        self._label = label
        self._failed = failed
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        if len(inputs) != 1:
            raise ModelRejected(f"{label}: refused: {len(inputs)} inputs, need 1")
        self.inputs = tuple(_spec(label, detail) for detail in inputs)
        self.outputs = tuple(_spec(label, detail) for detail in outputs)
        self._input_index = int(inputs[0]["index"])
        self._output_indices = tuple(int(detail["index"]) for detail in outputs)
        self._table = _quantise(np.arange(256, dtype=np.float32), self.inputs[0])

    def run(self, tensor: NDArray[np.uint8] | NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """See edge/devices.py. Raises: PackShapeMismatch, DelegateUnavailable, ModelRejected."""
        needed = self.inputs[0]
        if tensor.shape != needed.shape or tensor.dtype not in (np.uint8, np.float32):
            raise PackShapeMismatch(
                f"{self._label}: input of shape {tensor.shape} {tensor.dtype} given, "
                f"need {needed.shape} uint8 or float32"
            )
        self._fill_input(tensor)
        try:
            self._interpreter.invoke()
        except (RuntimeError, ValueError) as error:
            raise self._failed(self._label, "could not be run", error) from error
        return tuple(
            _dequantise(self._interpreter.get_tensor(index), spec)
            for index, spec in zip(self._output_indices, self.outputs, strict=True)
        )

    def _fill_input(self, tensor: NDArray[Any]) -> None:
        """Writes into the interpreter's own buffer; no view of it may outlive this call."""
        buffer = self._interpreter.tensor(self._input_index)()
        spec = self.inputs[0]
        if spec.dtype == "float32":
            np.copyto(buffer, tensor)
        elif tensor.dtype != np.uint8:
            np.copyto(buffer, _quantise(tensor, spec))
        elif (spec.dtype, spec.scale, spec.zero_point) == ("int8", 1.0, -128):
            np.bitwise_xor(tensor, _FLIP, out=buffer.view(np.uint8))
        else:
            np.take(self._table, tensor, out=buffer, mode="clip")  # clip: writes without a second buffer


def _check_delegate(library: str) -> None:
    """Raises: DelegateUnavailable for a library that is missing, does not link, or is no delegate."""
    try:
        handle = ctypes.CDLL(library)
    except OSError as error:
        raise DelegateUnavailable(
            f"{library}: the delegate's library cannot be loaded: {error}; "
            "check the path in inference.delegate.library, and that the accelerator's packages are installed"
        ) from error
    missing = [name for name in _DELEGATE_ENTRY_POINTS if not hasattr(handle, name)]
    if missing:
        raise DelegateUnavailable(
            f"{library}: not a TFLite external delegate (it lacks {', '.join(missing)}); "
            "check the path in inference.delegate.library"
        )


def _spec(label: str, detail: Mapping[str, Any]) -> TensorSpec:
    dtype = np.dtype(detail["dtype"]).name
    scale, zero_point = detail["quantization"]
    if dtype not in _DTYPES or (dtype != "float32" and not scale > 0):
        raise ModelRejected(
            f"{label}: refused: tensor {detail['name']} is {dtype} with scale {scale}, "
            f"need one of {', '.join(_DTYPES)}, with one scale for the whole tensor when quantised"
        )
    shape = tuple(int(size) for size in detail["shape"])
    return TensorSpec(shape, dtype, 0.0 if dtype == "float32" else float(scale), int(zero_point))


def _quantise(values: NDArray[Any], spec: TensorSpec) -> NDArray[Any]:
    """Real units to the tensor's: round(v / scale) + zero point, clamped to the type's range."""
    if spec.dtype == "float32":
        return values.astype(np.float32)
    limits = np.iinfo(spec.dtype)
    steps = np.rint(values / np.float32(spec.scale)) + spec.zero_point
    return np.clip(steps, limits.min, limits.max).astype(spec.dtype)


def _dequantise(values: NDArray[Any], spec: TensorSpec) -> NDArray[np.float32]:
    """The tensor's units to real ones: (q - zero point) * scale, in memory of its own."""
    if spec.dtype == "float32":
        return values.astype(np.float32, copy=False)
    real = values.astype(np.float32)
    real -= spec.zero_point
    real *= np.float32(spec.scale)
    return real


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
