"""The stage: joins music and tensors, and opens the doors."""
