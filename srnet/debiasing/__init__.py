"""Debiasing: the losses by name, and the bias models, of spurious features, that they need."""
