"""The one kind of error that a user's input can cause."""


class InputError(ValueError):
    """Input that cannot be used: one line that names the place and says what would be right."""
