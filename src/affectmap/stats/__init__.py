"""Statistics: metrics, regression and classification of an embedding, and how sure each result is."""
