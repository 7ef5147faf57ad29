"""Trouble with what comes from outside: each error says what, where, and how to mend it.

Programmer errors are assertions; bad market data is flagged in the record and resynchronised; only
what a person must see and mend is raised. Everything raised on purpose derives from
`AggressorError` so that a command can print it as one line instead of a traceback.
"""


class AggressorError(Exception):
    """A trouble that a person can mend; its text is a full sentence that says how."""


class UnitError(AggressorError, ValueError):
    """A price, size or amount that the instrument's grid or an int64 cannot hold exactly."""


class MessageError(AggressorError, ValueError):
    """A venue message that is malformed, oversized or of another venue."""


class StoreError(AggressorError, OSError):
    """A store that is absent, damaged, full or read-only."""


class ConfigError(AggressorError, ValueError):
    """A setting that is unknown or out of its range."""
