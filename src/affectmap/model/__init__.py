"""The model: the network, how it is fitted, and the model folder that runs without PyTorch."""
