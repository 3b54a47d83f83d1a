"""The model: the network, how it is fitted, and the model folder that runs without PyTorch."""

#: Most hidden layers of a network, and units of a layer: larger ones would take gigabytes.
MAX_LAYERS, MAX_WIDTH = 32, 4096
