"""What a model is, in a few lines for people."""

from __future__ import annotations

from affectmap.audio.quality import FLAGS
from affectmap.model.correction import correction_text
from affectmap.model.folder import ModelFolder
from affectmap.model.listening import listening_text


def summary(folder: ModelFolder, input_text: str, *, has_intervals: bool) -> str:
    """Tell name, input, outputs, corpora, normalisation, listening, ratings and terms, a line each.

    Args:
        folder: Content of the model's folder.
        input_text: What it takes, in words.
        has_intervals: Whether its ratings come with intervals.

    Example:
        >>> from affectmap import load_model
        >>> print(summary(load_model().folder, "88 functionals", has_intervals=True).splitlines()[1])
          input: 88 functionals
    """
    metadata = folder.metadata
    training, standardisation, outputs = metadata["training"], metadata["standardisation"], metadata["outputs"]
    interval = " with intervals" if has_intervals else ""
    given = [f"embedding ({len(outputs['embedding'])})"]
    given += [f"{label}{interval}" for label in outputs.get("ratings", ())]
    given += ["/".join(outputs["probabilities"])] if "probabilities" in outputs else []
    whose = "the training data's statistics"
    if standardisation["policy"] == "adapted":
        n_used, prior = standardisation["n_utterances"], standardisation["prior"]
        whose = f"the statistics of {n_used} other utterances, with a prior of {prior:g}"
    measured = metadata.get("measured")
    lines = {
        "input": input_text,
        **({"measured": f"by {measured['engine']} {measured['version']}, {measured['cleaning']}"} if measured else {}),
        "outputs": ", ".join([*given, f"{len(FLAGS)} flags"]),
        "corpora": ", ".join(str(each) for each in training.get("corpora", [])) or "not known",
        "normalisation": whose,
        **({"listening": listening_text(metadata["listening"])} if "listening" in metadata else {}),
        **({"corrected": correction_text(metadata["correction"])} if "correction" in metadata else {}),
        **folder.terms,
    }
    return "\n".join([f"Model {metadata['name']}", *(f"  {name}: {text}" for name, text in lines.items())])
