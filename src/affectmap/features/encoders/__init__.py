"""Speech encoders of others: their weights, what they compute, and how their layers become features."""
