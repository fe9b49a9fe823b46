"""The error that says what is wrong with a results folder or a request to it."""


class ResultsError(ValueError):
    """One clear line: what was asked for, what is wrong, what would be right."""
