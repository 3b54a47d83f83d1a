"""Speech encoders of the transformers library, and classifiers on top of them: signals in, numbers out.

Conventions:
    * A signal is mono, float32, shape (n_samples,), at the encoder's own rate.
    * Signals of different lengths go through together only where the encoder's attention mask makes that the same as
      one by one (HuBERT, WavLM, wav2vec 2.0 and their like with layer normalisation, as the large models have);
      elsewhere only signals of one length do.
    * Frames of padding never count.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np

from affectmap.audio.reading import Signal
from affectmap.errors import ConfigError, ModelError
from affectmap.features.encoders.weights import PICKLED, SAFE, read_config, weight_files
from affectmap.parallel.workers import WorkersError

if TYPE_CHECKING:
    import torch

#: Encoders that take samples and, with layer normalisation, a mask.
_MASKED = ("data2vec-audio", "hubert", "unispeech", "unispeech-sat", "wav2vec2", "wav2vec2-conformer", "wavlm")
#: Seconds that one signal may last; memory grows with their square.
LONGEST_S = 60.0
#: Weights that models may lack: they are for training alone.
_UNUSED = ("masked_spec_embed",)


def takes_mask(config: Mapping[str, Any]) -> bool:
    """Say whether signals of different lengths give the same together as one by one."""
    return (
        config.get("model_type") in _MASKED
        and config.get("feat_extract_norm", "layer" if config.get("model_type") == "data2vec-audio" else "group")
        == "layer"
        and not config.get("add_adapter")
    )


def hidden_dim(config: Mapping[str, Any]) -> int:
    """Give the number of values a frame."""
    return _positive(config, "hidden_size", "d_model")


def n_hidden_layers(config: Mapping[str, Any]) -> int:
    """Give the number of transformer layers."""
    return _positive(config, "encoder_layers", "num_hidden_layers")


def _positive(config: Mapping[str, Any], *names: str) -> int:
    found = [config[name] for name in names if isinstance(config.get(name), int) and config[name] > 0]
    if not found:
        raise ModelError(
            f"the model of type {config.get('model_type')} has no {' or '.join(names)}; name a speech encoder, such as "
            "HuBERT, WavLM, wav2vec 2.0 or Whisper"
        )
    return int(found[0])


class SpeechModel:
    """A speech encoder, with or without a classifier on top.

    Args:
        folder: Folder of the model; see `find_pretrained`.
        classifier: Whether to load its classifier.
        device: ``cpu`` or ``cuda``.

    Attributes:
        sampling_rate: That it takes, in Hz.
        config: Its configuration.
        n_parameters: Numbers in it, counted.
        longest_s: Seconds that a signal may last.

    Raises:
        ModelError: If the folder holds something else, or weights are missing or unsafe to read.
        ConfigError: If the device is not there.
    """

    def __init__(self, folder: Path, *, classifier: bool = False, device: str = "cpu") -> None:
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise ConfigError("the device is cuda, but PyTorch finds no GPU; use cpu, or install PyTorch with CUDA")
        self.config, self._device = read_config(folder), device
        with _quiet():
            self._extractor = _loaded_extractor(folder)
            self._model = _loaded_model(folder, classifier).to(device).eval()
        self.sampling_rate = int(self._extractor.sampling_rate)
        self.longest_s = min(LONGEST_S, float(getattr(self._extractor, "chunk_length", LONGEST_S)))
        self.n_parameters = sum(parameter.numel() for parameter in self._model.parameters())

    def pooled(self, signals: Sequence[Signal], weights: Mapping[int, float]) -> Signal:
        """Give mean and standard deviation (divisor n - 1) over time of a weighted mean of layers, (n_signals, 2 D)."""
        return self._together(signals, lambda inputs: self._pooled(inputs, weights))

    def probabilities(self, signals: Sequence[Signal]) -> Signal:
        """Classify signals; rows of (n_signals, n_classes) sum to 1."""
        return self._together(signals, lambda inputs: self._model(**inputs).logits.float().softmax(dim=1))

    def _together(self, signals: Sequence[Signal], compute: Any) -> Signal:  # noqa: ANN401 (tensors in, a tensor out)
        import torch

        same_length = len({len(signal) for signal in signals}) == 1
        if len(signals) > 1 and not (same_length or takes_mask(self.config)):
            return np.concatenate([self._together([signal], compute) for signal in signals])
        try:
            with torch.inference_mode(), _quiet():
                return np.asarray(compute(self._inputs(signals)).cpu().numpy(), dtype=np.float32)
        except torch.OutOfMemoryError as error:
            if len(signals) == 1:
                raise WorkersError(
                    f"the GPU's memory does not hold {len(signals[0]) / self.sampling_rate:.0f} s of sound; use "
                    "--device cpu, or leave long recordings out"
                ) from error
        half = len(signals) // 2
        return np.concatenate([self._together(part, compute) for part in (signals[:half], signals[half:])])

    def _inputs(self, signals: Sequence[Signal]) -> dict[str, torch.Tensor]:
        found = self._extractor(
            list(signals), sampling_rate=self.sampling_rate, return_attention_mask=True, return_tensors="pt",
            **({"padding": True} if self._takes_samples else {})
        )  # fmt: skip
        inputs = {name: values.to(self._device) for name, values in found.items()}
        if self._takes_samples and len({len(signal) for signal in signals}) == 1:
            del inputs["attention_mask"]  # nothing is padded
        return inputs

    @property
    def _takes_samples(self) -> bool:
        return "input_values" in self._extractor.model_input_names

    def _pooled(self, inputs: dict[str, torch.Tensor], weights: Mapping[int, float]) -> torch.Tensor:
        import torch

        mask = inputs.get("attention_mask")
        layers = self._model(**inputs, output_hidden_states=True).hidden_states
        hidden = torch.stack([weight * layers[layer].float() for layer, weight in weights.items()]).sum(dim=0)
        counted = (
            self._frames(mask, hidden.shape[1]).to(hidden) if mask is not None else hidden.new_ones(hidden.shape[:2])
        )
        n_frames = counted.sum(dim=1, keepdim=True)
        mean = (hidden * counted.unsqueeze(-1)).sum(dim=1) / n_frames
        squares = ((hidden - mean.unsqueeze(1)).square() * counted.unsqueeze(-1)).sum(dim=1)
        deviation = (squares / (n_frames - 1).clamp(min=1)).sqrt()  # 0 of a single frame
        return torch.cat([mean, deviation], dim=1)

    def _frames(self, mask: torch.Tensor, n_frames: int) -> torch.Tensor:
        """Say which frames of the encoder are sound: shape (n_signals, n_frames)."""
        import torch

        if not self._takes_samples:  # a frame or two of the input make one of the encoder
            return mask[:, :: max(1, mask.shape[1] // n_frames)][:, :n_frames]
        lengths = mask.sum(dim=1)
        for kernel, stride in zip(self.config["conv_kernel"], self.config["conv_stride"], strict=True):
            lengths = (lengths - kernel).div(stride, rounding_mode="floor") + 1
        return torch.arange(n_frames, device=mask.device)[None] < lengths[:, None]


def _loaded_extractor(folder: Path) -> Any:  # noqa: ANN401 (transformers')
    from transformers import AutoFeatureExtractor

    try:
        found = AutoFeatureExtractor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever transformers makes of what it does not know
        raise ModelError(f"{folder}: its preprocessor cannot be used ({_first_line(error)}); {_WANTED}") from error
    if not hasattr(found, "sampling_rate"):
        raise ModelError(f"{folder}: its preprocessor takes no sound; {_WANTED}")
    return found


def _loaded_model(folder: Path, classifier: bool) -> Any:  # noqa: ANN401 (transformers')
    import torch
    from transformers import AutoModel, AutoModelForAudioClassification

    family = AutoModelForAudioClassification if classifier else AutoModel
    safe = weight_files(folder)[0].suffix == Path(SAFE).suffix
    try:
        model, loading = family.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            output_loading_info=True,
            trust_remote_code=False,
            use_safetensors=safe,
            weights_only=True,
        )
    except UnpicklingError as error:  # its own text tells how to run the code in there
        raise ModelError(
            f"{folder}: {PICKLED} holds more than numbers and could run code, so it is not read; get the model as "
            f"{SAFE}, or name another"
        ) from error
    except Exception as error:
        raise ModelError(f"{folder} cannot be loaded ({_first_line(error)}); {_WANTED}") from error
    missing = [name for name in sorted(loading["missing_keys"]) if not name.endswith(_UNUSED)]
    if missing:
        what = "its classifier was never trained" if classifier else "it is damaged or of another kind"
        raise ModelError(f"{folder} lacks {len(missing)} weights, first {missing[0]}: {what}; download another model")
    if model.config.is_encoder_decoder:
        model = model.get_encoder()
    return model


_WANTED = "expected a speech model that transformers knows, with safe weights; download it again or name another"


def _first_line(error: Exception) -> str:
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text if len(text) <= 200 else f"{text[:200]} ..."


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep advice and bars of transformers to itself: what matters is said in one line."""
    from transformers.utils import logging as transformers_logging

    level, shown = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity(logging.CRITICAL)
    transformers_logging.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        transformers_logging.set_verbosity(level)
        if shown:
            transformers_logging.enable_progress_bar()
