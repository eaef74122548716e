"""One recorded trial as a plain Keras script that trains it again without the suite."""
