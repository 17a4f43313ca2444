"""The error tree. A message names what was found, what is allowed and what to do; the command line prints it as one line."""


class DuluanError(Exception):
    """Something a user can mend; never carries post text, names or secrets."""


class ConfigError(DuluanError):
    """A configuration file or environment variable is wrong: file, key, found, allowed."""


class InputError(DuluanError):
    """An input file cannot be used as a whole (a missing column, not UTF-8, no such file)."""


class StoreError(DuluanError):
    """The store cannot be reached, written or trusted; nothing that was acknowledged is lost."""


class SourceError(DuluanError):
    """A source or its server refuses or fails; the other sources go on."""


class ModelError(DuluanError):
    """A model is missing, damaged or needs a package that is not installed."""


class DeliveryError(DuluanError):
    """A mail or webhook was not accepted; the outbox keeps it."""
