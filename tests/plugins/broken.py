"""A task whose data() fails, as a plugin may."""

from suite import Task


class Broken(Task):
    """Never trains."""

    def data(self, source: str):  # noqa: ARG002
        """Divides by zero."""
        return 1 / 0
