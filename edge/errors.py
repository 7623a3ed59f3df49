"""Every error the house raises, in one tree: each also inherits the builtin that fits it.

A message says what was found, what was needed, and which key, file or topic; then what to do.
"""

from __future__ import annotations


class LfrError(Exception):
    """Anything that went wrong in a way we foresaw."""


# Configuration


class ConfigInvalid(LfrError, ValueError):
    """A configuration file with one or more mistakes; the message lists them all with their paths."""


# Packs and runtimes


class PackMissing(LfrError, FileNotFoundError):
    """A pack, or one of its files, is not there."""


class PackInvalid(LfrError, ValueError):
    """A pack manifest that does not say what it must."""


class PackHashMismatch(PackInvalid):
    """A file of a pack is not the file its manifest names (message: file, both hashes)."""


class PackShapeMismatch(PackInvalid):
    """A model's tensors are not those its manifest declares."""


class PackPurposeRefused(LfrError, ValueError):
    """A pack that is asked for what it is not meant for: real people under a bring-up pack."""


class CalibrationMismatch(PackInvalid):
    """A calibration that was not made with the weights of its pack."""


class GoldenMismatch(PackInvalid):
    """Goldens that are for other inputs than this software draws."""


class CalibrationMissing(LfrError, LookupError):
    """A pack without a calibration for the backend and precision asked for."""


class OutsideCalibration(LfrError, ValueError):
    """A size of watchlist or an FPIR that a calibration does not reach."""


class DownloadFailed(LfrError, OSError):
    """A file could not be fetched from where it was sought."""


class InstallFailed(LfrError, OSError):
    """A fetched file could not be written where it belongs."""


class GraphInvalid(LfrError, ValueError):
    """A network whose parts do not fit together, or that holds something the builder does not know."""


class BuildBelowFloor(LfrError, ValueError):
    """A quantised network that strays too far from the float one it was made from."""


class RuntimeUnavailable(LfrError, RuntimeError):
    """No inference runtime is installed, or it cannot start."""


class DelegateUnavailable(LfrError, RuntimeError):
    """The accelerator's delegate could not be loaded, or refused the model."""


class ModelRejected(LfrError, ValueError):
    """The runtime could not read a model file."""


# Cameras


class CameraError(LfrError, OSError):
    """A camera or clip that cannot deliver frames."""

    reason = "camera_error"


class CameraUnsupported(CameraError):
    """The camera's software is not on this machine."""

    reason = "camera_unsupported"


class CameraVanished(CameraError):
    """The camera, file or folder is not there, or no longer."""

    reason = "camera_vanished"


class CameraStalled(CameraError, TimeoutError):
    """No frame within the time allowed."""

    reason = "camera_stalled"


class CameraCorrupt(CameraError):
    """What came from the source cannot be decoded as pictures."""

    reason = "camera_corrupt"


# Stages


class MailboxClosed(LfrError, EOFError):
    """The stage before has ended, and all it sent has been taken."""


# Simulation


# Trust


class DocumentInvalid(LfrError, ValueError):
    """A document that is not canonical, not complete, or not of the type expected."""


class DocumentTooLarge(DocumentInvalid):
    """A document over its size cap."""


class SignatureInvalid(LfrError, ValueError):
    """A signature that is missing, wrong, or by a key that may not sign this."""


class SealInvalid(LfrError, ValueError):
    """A sealed box that does not open: wrong key, wrong context or altered bytes."""


class OrderInvalid(LfrError, ValueError):
    """An order that does not fit this box, this pack or this watchlist."""


class ThresholdMismatch(OrderInvalid):
    """An order whose threshold was set for another backend or precision than this box computes with."""


class OrderExpired(OrderInvalid):
    """An order outside its not-before and not-after."""


class OrderNotYet(OrderInvalid):
    """An order whose time, or the time to prepare for it, has not come."""


class OrderRollback(OrderInvalid):
    """An older order, list or repository than one already acted on."""


class PolicyViolated(OrderInvalid):
    """An order that passes a ceiling of its policy profile, or names another profile than the one there."""


class CommandInvalid(LfrError, ValueError):
    """A command that no van may obey."""


class CommandElsewhere(CommandInvalid):
    """A command for another van, fleet or deployment."""


class CommandStale(CommandInvalid):
    """A command with a number that is not above those obeyed: a replay, or overtaken by a later one."""


class CommandExpired(CommandInvalid):
    """A command whose time has passed."""


class WatchlistInvalid(LfrError, ValueError):
    """A watchlist that is refused whole."""


class DeltaInvalid(WatchlistInvalid):
    """A log item that does not continue the list in force, or is signed by too few."""


class RepositoryFileMissing(LfrError, FileNotFoundError):
    """A file of the fleet's repository that is not there, or did not come in time."""


class RepositoryUnavailable(LfrError, ConnectionError):
    """The fleet's repository cannot be reached, or not whole; what is kept may still hold."""


class RepositoryRefused(LfrError, ValueError):
    """Metadata that TUF's rules refuse: signatures, versions, expiry, hashes."""


class VaultUnusable(LfrError, OSError):
    """The vault of one-deployment keys cannot be opened or written."""


class KeyGone(LfrError, LookupError):
    """A one-deployment key that is not in the vault: never there, or destroyed."""


class StateFileInvalid(LfrError, ValueError):
    """A file of our own state that does not hold what we wrote."""


class KeyFileInvalid(LfrError, ValueError):
    """A key file that is missing or does not hold the kind of key needed."""


class SignerUnusable(LfrError, ValueError):
    """A signing key that cannot be used: a wrong passphrase, a token that is not there, a scheme not supported."""


class AuthorityInvalid(LfrError, ValueError):
    """An authority's folder, draft or version that does not fit what is asked of it."""


# Enrolment


class EnrolmentRefused(LfrError, ValueError):
    """A photograph that cannot become an entry."""

    reason = "refused"


class PhotographUnreadable(EnrolmentRefused):
    """The file is no picture."""

    reason = "unreadable"


class NoFaceFound(EnrolmentRefused):
    """A photograph without a face."""

    reason = "no_face"


class SeveralFacesFound(EnrolmentRefused):
    """A photograph with more than one face that could be meant."""

    reason = "several_faces"


class FaceTooSmall(EnrolmentRefused):
    """A face below the size an enrolment needs."""

    reason = "too_small"


class TrainingInvalid(LfrError, ValueError):
    """A training set or checkpoint that cannot be read, or is not what the run needs."""


class CalibrationDataInvalid(LfrError, ValueError):
    """People or comparisons that are too few, or not told apart, to calibrate by."""


class OpenSetInvalid(LfrError, ValueError):
    """A set of photographs for evaluation that does not say who is who."""


class LandmarksDegenerate(EnrolmentRefused):
    """A face whose landmarks fall into one point: there is nothing to align by."""

    reason = "landmarks"


class EntriesInvalid(LfrError, ValueError):
    """A table of entries with rows that lack or break what the rules ask for."""


# The pipe between the halves, and the link


class TopicInvalid(LfrError, ValueError):
    """A topic, or a file name to go into one, that is not of our form (TOPICS.md)."""


class WireError(LfrError, ValueError):
    """A message on the pipe that is malformed, oversized or out of place."""


class PeerGone(LfrError, ConnectionError):
    """The other half closed the pipe."""


class OutboxFull(LfrError, OSError):
    """The outbox holds as many rows as it may."""


class OutboxBusy(LfrError, OSError):
    """Another process holds the outbox."""


class OutboxCorrupt(LfrError, OSError):
    """The outbox's file is damaged; the next start sets it aside."""


class ReceiptRefused(LfrError, ValueError):
    """A receipt that ends no row: not signed by this deployment's room, or not for this device."""


class BrokerUnreachable(LfrError, ConnectionError):
    """The broker does not answer, or refuses us."""


class ToolMissing(LfrError, FileNotFoundError):
    """A program this command needs is not installed."""


# Simulation


class PhotographsMissing(LfrError, FileNotFoundError):
    """A folder that holds no photographs of people where some are needed."""


class FolderInUse(LfrError, FileExistsError):
    """A folder to write into that holds something else."""
