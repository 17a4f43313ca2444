"""duluan (dư luận): which public issues of a province turn negative, where, and how surely. Issues, not people."""

__version__ = "0.1.0"
