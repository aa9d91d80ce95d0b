"""What is taught with the equations of `musicgen.neural.reference`: small, plain and run to the end.

Nothing that makes music needs these files; the notebooks and the tests use them.
"""
