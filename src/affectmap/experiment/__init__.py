"""The experiment: the paper's protocol from one configuration to results."""
