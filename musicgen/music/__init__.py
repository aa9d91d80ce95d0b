"""What knows music: files, scores, encodings. Plain Python and numpy; no tensors."""
