"""Tiny HuBERT, WavLM and Whisper models with random weights, in the hub's layout."""

from __future__ import annotations

from pathlib import Path

SIZES = {
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 2,
    "intermediate_size": 24,
    "conv_dim": (8, 8, 8),
    "conv_kernel": (10, 3, 3),
    "conv_stride": (5, 4, 4),
    "num_conv_pos_embeddings": 8,
    "num_conv_pos_embedding_groups": 2,
    "mask_time_prob": 0.0,
    "classifier_proj_size": 8,
    "vocab_size": 4,
}
SUPERB_LABELS = ("neu", "hap", "ang", "sad")


def write_encoder(
    folder: Path, family: str = "Hubert", *, norm: str = "layer", seed: int = 0, safe: bool = True
) -> Path:
    """Write an encoder; with `norm` of ``layer`` as in large models, else as in base ones."""
    return _write(folder, family, "Model", norm, seed, safe)


def write_classifier(
    folder: Path, labels=SUPERB_LABELS, *, norm: str = "layer", seed: int = 0, safe: bool = True
) -> Path:
    """Write a HuBERT with a classifier, as SUPERB's emotion recogniser is one."""
    return _write(folder, "Hubert", "ForSequenceClassification", norm, seed, safe, labels)


def _write(folder, family, kind, norm, seed, safe, labels=None):
    import torch
    import transformers

    options = {"id2label": dict(enumerate(labels)), "label2id": {n: i for i, n in enumerate(labels)}} if labels else {}
    config = getattr(transformers, f"{family}Config")(
        **SIZES, feat_extract_norm=norm, do_stable_layer_norm=norm == "layer", **options
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, f"{family}{kind}")(config)
        for parameter in model.parameters():  # larger than usual, so that no two signals look alike
            if parameter.dim() > 1:
                torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    if not safe:
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    transformers.Wav2Vec2FeatureExtractor(do_normalize=True, return_attention_mask=norm == "layer").save_pretrained(
        folder
    )
    return folder


def write_as_before_2023(folder: Path) -> Path:
    """Write a classifier as SUPERB's lies on the hub: one old file, in which two weights go by older names."""
    import torch

    file = write_classifier(folder, safe=False) / "pytorch_model.bin"
    weights = torch.load(file, weights_only=True)
    older = {"parametrizations.weight.original0": "weight_g", "parametrizations.weight.original1": "weight_v"}
    for new, old in older.items():
        weights = {name.replace(new, old): tensor for name, tensor in weights.items()}
    weights.pop("hubert.masked_spec_embed", None)
    torch.save(weights, file, _use_new_zipfile_serialization=False)
    return folder


def write_whisper(folder: Path, *, seed: int = 0, **sizes: int) -> Path:
    """Write a Whisper, which looks at thirty seconds of a spectrogram; its weights are numbers in half precision."""
    import torch
    import transformers

    usual = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2, "vocab_size": 8, "num_mel_bins": 8}
    tokens = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 1)
    config = transformers.WhisperConfig(**usual | heads | tokens | sizes)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = transformers.WhisperModel(config)
        for name, parameter in model.named_parameters():  # larger than usual, so that no two signals look alike
            if "positions" not in name:
                torch.nn.init.normal_(parameter, mean=float("norm.weight" in name), std=0.3)
    model.half().float().save_pretrained(folder)
    transformers.WhisperFeatureExtractor(feature_size=config.num_mel_bins).save_pretrained(folder)
    return folder
