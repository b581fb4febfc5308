"""The tests, a package so that `tests.serving` and its like can be imported anywhere."""
