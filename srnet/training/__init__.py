"""Training and testing a model: sentence pairs as tensors, pre-trained models, the one loop, snapshots, metrics."""
