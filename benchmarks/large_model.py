"""What SUPERB's recogniser costs beside the small model: seconds, memory and parameters, without its weights.

    python benchmarks/large_model.py RECORDING ...

A model of the same shape (HuBERT-large, layers summed by weight, a linear head) is made with random weights in a
temporary folder: what a minute costs does not depend on what the weights are. Prints the lines that
``affectmap reproduce --reference superb`` prints.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import audformat

from affectmap.experiment.costs import CLASSES, SMALL, CostOf, measure_costs
from affectmap.report.text_tables import cost_table
from affectmap.text import table_text

#: Where it differs from the defaults of transformers, which are those of HuBERT-base.
LARGE = {
    "hidden_size": 1024,
    "num_hidden_layers": 24,
    "num_attention_heads": 16,
    "intermediate_size": 4096,
    "conv_bias": True,
    "feat_extract_norm": "layer",
    "do_stable_layer_norm": True,
    "use_weighted_layer_sum": True,
    "num_labels": 4,
}


def write_large(folder: Path) -> Path:
    """Write a HuBERT-large with a linear head and random weights, 1.3 GB."""
    import transformers

    transformers.HubertForSequenceClassification(transformers.HubertConfig(**LARGE)).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True).save_pretrained(folder)
    return folder


def main(recordings: list[str]) -> None:
    """Measure both and print the table."""
    if not recordings:
        sys.exit("name some recordings, twenty seconds or more together")
    with tempfile.TemporaryDirectory() as folder:
        models = [
            CostOf("this model, with its features", SMALL, "", 9310, "cpu"),
            CostOf("HuBERT-large with a head", CLASSES, str(write_large(Path(folder) / "large")), 0, "cpu"),
        ]
        table, notes = measure_costs(models, [audformat.segmented_index(recordings)])
    print(table_text(cost_table(table), len(table)))
    print(*notes, sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
