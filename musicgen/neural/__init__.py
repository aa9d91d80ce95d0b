"""What knows tensors: cells, networks, training, sampling. No music."""
