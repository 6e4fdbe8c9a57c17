"""Sparse and robust subnetworks (SRNets) of pre-trained language models, after Liu et al. (NeurIPS 2022)."""
