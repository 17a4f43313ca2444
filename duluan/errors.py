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


class DeliveryDown(DeliveryError):
    """The receiver's server is not there or does not let us in: no other message would fare better now."""


class DeliveryRefused(DeliveryError):
    """The receiver says never: trying again with the same words changes nothing."""


class DeliveryUnclear(DeliveryError):
    """All of it was handed over and no answer came: the receiver may have it."""
