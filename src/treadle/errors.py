"""Every public error of Treadle.

An error is part of the interface: it says what happened, where (file, row, column, node, field) and what to
do about it. ``code`` is stable and meant for machines; the sentence may improve over time.

A room adds its cases here, under the family of the question it answers. Retry is a property of the type:
``transient`` is true only where the same call may succeed later without anybody changing anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class TreadleError(Exception):
    """The root of every error Treadle raises on purpose.

    Args:
        what: One sentence: what happened.
        where: Names of places and their values (``file``, ``row``, ``column``, ``node``, ``field``, ...), in
            the order a reader wants them. ``None`` values are left out.
        hint: What to do next; a command where there is one.
    """

    code: ClassVar[str] = "TREADLE"
    transient: ClassVar[bool] = False

    def __init__(self, what: str, *, where: Mapping[str, object] | None = None, hint: str | None = None) -> None:
        self.what = what
        self.where = {name: value for name, value in (where or {}).items() if value is not None}
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [f"{self.what} [{self.code}]"]
        if self.where:
            lines.append("  at " + ", ".join(f"{name} {value}" for name, value in self.where.items()))
        if self.hint:
            lines.append(f"Hint: {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.hint))

    def to_dict(self) -> dict[str, object]:
        """The error as JSON-able fields: ``code, what, where, hint``."""
        where = {
            name: value if isinstance(value, str | int | float | bool) else str(value)
            for name, value in self.where.items()
        }
        return {"code": self.code, "what": self.what, "where": where, "hint": self.hint}


def _rebuild(kind: type[TreadleError], what: str, where: Mapping[str, object], hint: str | None) -> TreadleError:
    return kind(what, where=where, hint=hint)


class UsageError(TreadleError, ValueError):
    """A command or function was called with arguments that cannot work together."""

    code = "USAGE"


class MissingDependencyError(TreadleError, ImportError):
    """An optional library is not installed; the hint holds the exact install command."""

    code = "MISSING_DEPENDENCY"


class UserCodeError(TreadleError, RuntimeError):
    """A function that the user wrote raised; the user's own traceback is the cause."""

    code = "USER_CODE"

    @classmethod
    def raised_in(cls, role: str, function: object, error: BaseException) -> UserCodeError:
        """``function``, which the user gave as ``role``, raised ``error``; where is its deepest line in that file."""
        from traceback import extract_tb

        code = getattr(function, "__code__", None)
        own = [frame for frame in extract_tb(error.__traceback__) if code and frame.filename == code.co_filename]
        where = {"line": f"{own[-1].filename}:{own[-1].lineno}", "code": own[-1].line} if own else {}
        name = getattr(function, "__qualname__", type(function).__name__)
        return cls(f"{role} ({name}) raised {type(error).__name__}: {error}", where=where)


# evaluation


class EvaluationError(TreadleError, ValueError):
    """Labels, predictions and rows cannot be measured together."""

    code = "EVALUATION"


class SliceError(EvaluationError):
    """A slice names a column that is not there or cannot be compared."""

    code = "EVALUATION_SLICE"


class GateError(EvaluationError):
    """A gate is malformed."""

    code = "EVALUATION_GATE"


# monitoring


class MonitoringError(TreadleError, ValueError):
    """Traffic cannot be measured as asked."""

    code = "MONITORING"


class LabelError(MonitoringError):
    """A delivery of labels cannot be used."""

    code = "MONITORING_LABELS"


# files


class FileWriteError(TreadleError, OSError):
    """A file cannot be written: its folder is missing, the disk is full, nothing may be written there."""

    code = "FILE_WRITE"


# artifact, storage


class ArtifactError(TreadleError, OSError):
    """An artifact cannot be written or read as one."""

    code = "ARTIFACT"


class ArtifactContentError(ArtifactError):
    """A directory holds something that an artifact may not hold: a link, a socket, a device."""

    code = "ARTIFACT_CONTENT"


class MissingArtifactError(ArtifactError, FileNotFoundError):
    """The store does not hold an artifact that metadata names."""

    code = "ARTIFACT_MISSING"


class CorruptArtifactError(ArtifactError):
    """An artifact's bytes do not give its digest."""

    code = "ARTIFACT_CORRUPT"


class StoreInUseError(ArtifactError, BlockingIOError):
    """A store cannot be collected while a run, or another collection, is at work in it."""

    code = "STORE_IN_USE"
    transient = True


class RemoteStoreError(ArtifactError):
    """The place where a store keeps its artifacts, outside of its folder, cannot be reached or refuses."""

    code = "REMOTE_STORE"
    transient = True


class StoreOwnerError(ArtifactError):
    """A place for artifacts belongs to another lineage."""

    code = "STORE_OWNER"


class ArchiveError(ArtifactError, ValueError):
    """An archive of a run is damaged, hostile, or of a format that this version does not know."""

    code = "ARCHIVE"


# schema


class SchemaError(TreadleError, ValueError):
    """A schema is malformed: its text, a feature's type, a domain or a threshold."""

    code = "SCHEMA"


# ingest, engine


class DataError(TreadleError, ValueError):
    """Data could not be read as what it should be; the family of the cases below."""

    code = "DATA"


class DataFileNotFoundError(DataError, FileNotFoundError):
    """No file at that path, or no file matches the pattern."""

    code = "DATA_FILE_NOT_FOUND"


class EmptyFileError(DataError):
    """A data file holds no bytes, or no header."""

    code = "DATA_EMPTY_FILE"


class CorruptFileError(DataError):
    """A data file is cut off, damaged, or not of the format its name says."""

    code = "DATA_CORRUPT_FILE"


class RaggedRowError(DataError):
    """A row of a text file has more or fewer fields than the header."""

    code = "DATA_RAGGED_ROW"


class TextEncodingError(DataError):
    """Text that is not UTF-8."""

    code = "DATA_NOT_UTF8"


class MissingColumnError(DataError):
    """A column that the schema requires, or that was asked for, is not in the data."""

    code = "DATA_MISSING_COLUMN"


class ColumnTypeError(DataError, TypeError):
    """A column's values cannot be read as the type the schema declares."""

    code = "DATA_COLUMN_TYPE"


class RowFilterError(DataError):
    """A row filter is not a condition that can be evaluated on the columns of the data."""

    code = "DATA_ROW_FILTER"


class RowCountError(DataError):
    """Rows in do not equal rows out plus rows excluded: a defect, never to be passed over."""

    code = "DATA_ROW_COUNT"


class DataSourceError(DataError, OSError):
    """A database or remote store that holds data refuses, or cannot be reached."""

    code = "DATA_SOURCE"


class AboutError(DataError):
    """The description of a data set is malformed."""

    code = "DATA_ABOUT"


class QuarantineError(DataError):
    """More rows cannot be read than may be set aside."""

    code = "DATA_QUARANTINE"


class EngineError(TreadleError, RuntimeError):
    """An engine cannot be reached, lost a worker once too often, or does not see what this process sees."""

    code = "ENGINE"
    transient = True


class EngineFunctionError(TreadleError, TypeError):
    """A function, or what it is given, cannot be sent to where an engine would run it."""

    code = "ENGINE_FUNCTION"


# statistics, validation


class StatisticsError(TreadleError, ValueError):
    """Statistics that cannot be read, merged or compared."""

    code = "STATISTICS"


# loop


class PolicyError(TreadleError, ValueError):
    """A retraining policy asks for something that cannot be."""

    code = "LOOP_POLICY"


class LoopError(TreadleError, RuntimeError):
    """The loop cannot turn: something it needs is not there."""

    code = "LOOP"


# registry


class RegistryError(TreadleError, LookupError):
    """A model, version or alias is not there, or may not be changed so."""

    code = "REGISTRY"


# requests (validation), serving


class RequestError(TreadleError, ValueError):
    """A request cannot be answered as it stands; the family of the cases below. The client is to change it."""

    code = "REQUEST"


class MalformedRequestError(RequestError):
    """The body is not JSON, or not UTF-8, or says the same name twice."""

    code = "REQUEST_MALFORMED"


class RequestTypeError(RequestError, TypeError):
    """A value is not of the type that the schema declares."""

    code = "REQUEST_WRONG_TYPE"


class UnknownFieldError(RequestError):
    """A field that the schema does not have (or not where the model serves)."""

    code = "REQUEST_UNKNOWN_FIELD"


class MissingFieldError(RequestError):
    """A field that the schema requires is not there."""

    code = "REQUEST_MISSING_FIELD"


class RequestShapeError(RequestError):
    """Rows, columns and ids do not fit together."""

    code = "REQUEST_SHAPE"


class RequestTooLargeError(RequestError):
    """More bytes or rows than the server takes at once."""

    code = "REQUEST_TOO_LARGE"


class ServingError(TreadleError, RuntimeError):
    """The server cannot do what was asked; the family of the cases below."""

    code = "SERVING"


class ModelFolderError(ServingError):
    """The folder given to the server holds no servable in a layout it knows."""

    code = "SERVING_FOLDER"


class AddressError(ServingError):
    """The server cannot listen at this host and port."""

    code = "SERVING_ADDRESS"


class ModelNotFoundError(ServingError, LookupError):
    """No model, or no version of it, by that name."""

    code = "SERVING_MODEL_NOT_FOUND"


class ModelUnavailableError(ServingError):
    """The version is there but could not be loaded."""

    code = "SERVING_MODEL_UNAVAILABLE"
    transient = True


class RequestLogError(ServingError, OSError):
    """The request log cannot be written or read."""

    code = "SERVING_REQUEST_LOG"


# graph


class InputColumnError(TreadleError, ValueError):
    """A raw feature that the graph needs is not there."""

    code = "INPUT_COLUMN"

    @classmethod
    def missing(cls, name: str, *, row: int | None = None) -> InputColumnError:
        """The feature ``name`` is required and absent, from a table or from one row of a request."""
        place = "is not among the columns" if row is None else "is not in the row"
        return cls(
            f"The required feature {name!r} {place}.",
            where={"column": name, "row": row},
            hint="Give it; where its value is unknown give null.",
        )


class InputValueError(TreadleError, ValueError):
    """A raw value that the value convention cannot hold: wrong type, not UTF-8, an integer beyond its bounds."""

    code = "INPUT_VALUE"

    @classmethod
    def wrong(cls, name: str, row: int, type_: str, value: object, reason: str | None) -> InputValueError:
        """``value`` in ``row`` (counted from 0) does not fit the feature ``name`` of type ``type_``."""
        shown = repr(value)
        shown = shown if len(shown) <= 80 else shown[:77] + "..."
        reason = reason or f"is {_KINDS.get(type(value).__name__, type(value).__name__)}"
        return cls(
            f"The value {shown} {reason}; the feature {name!r} is of type {type_}.",
            where={"column": name, "row": row},
        )

    @classmethod
    def not_utf8(cls, name: str, row: int | None, error: UnicodeDecodeError | None = None) -> InputValueError:
        """Bytes that are not UTF-8 text."""
        place = "" if error is None else f" (byte {error.start} of the value)"
        return cls(
            f"The feature {name!r} has a value that is not UTF-8 text{place}.",
            where={"column": name, "row": row},
            hint="Treadle reads text as UTF-8: convert the data, or leave the column out.",
        )

    @classmethod
    def wrong_column(cls, name: str, type_: str, found: object) -> InputValueError:
        """A column whose Arrow type cannot carry the feature's type."""
        return cls(
            f"The column {name!r} holds {found}, which cannot be read as {type_}.",
            where={"column": name},
            hint="Convert the column, or correct the type in the schema.",
        )


_KINDS = {"str": "text", "bool": "a truth value", "int": "an integer", "float": "a number with a fraction",
          "dict": "an object", "list": "a list", "bytes": "bytes", "NoneType": "null"}  # fmt: skip


class ModelFormatError(TreadleError, ValueError):
    """A graph cannot be lowered, fused or run: not ONNX, the wrong inputs, an operator the runtime lacks."""

    code = "GRAPH_MODEL"


# servable


class ServableError(TreadleError, ValueError):
    """A servable that cannot be loaded: a file missing or changed, or a format this version does not know."""

    code = "SERVABLE"


class ParityError(TreadleError, RuntimeError):
    """The fused graph does not predict what the native model predicts; nothing was built."""

    code = "SERVABLE_PARITY"


# metadata


class DatabaseError(TreadleError, OSError):
    """A database file cannot be opened, read or written."""

    code = "DATABASE"


class DatabaseBusyError(DatabaseError, TimeoutError):
    """Another process held a database's write lock for too long."""

    code = "DATABASE_BUSY"
    transient = True


class DatabaseVersionError(DatabaseError):
    """A newer version of Treadle wrote a database."""

    code = "DATABASE_VERSION"


class EventDeliveryError(TreadleError, OSError):
    """A lineage event did not reach the catalogue it was sent to."""

    code = "EVENT_DELIVERY"
    transient = True


# pipeline


class ComponentError(TreadleError, TypeError):
    """A component is written in a way that no node can be made from."""

    code = "COMPONENT"


class PipelineError(TreadleError, ValueError):
    """A pipeline's nodes, wires or parameters do not fit together."""

    code = "PIPELINE"


class PipelineFileError(PipelineError):
    """A pipeline file cannot be found, or does not say which pipeline is meant."""

    code = "PIPELINE_FILE"


# components


class DataRefusedError(TreadleError, ValueError):
    """Data disagree with their schema in ways that must stop the run."""

    code = "DATA_REFUSED"


# runner


class NodeLostError(TreadleError, RuntimeError):
    """The process of a node ended without telling a result: killed, out of memory, or a crash in native code."""

    code = "NODE_LOST"
    transient = True


class NodeTimeoutError(TreadleError, TimeoutError):
    """A node took longer than its component allows; its processes were killed."""

    code = "NODE_TIMEOUT"
    transient = True


class RunCancelledError(TreadleError, RuntimeError):
    """Somebody asked a run to stop."""

    code = "RUN_CANCELLED"


class LeaseLostError(TreadleError, RuntimeError):
    """A run was taken for dead while its process was held up, so that it may no longer record anything."""

    code = "LEASE_LOST"


# components: approval


class ApprovalError(TreadleError, RuntimeError):
    """An answer to a question that nobody asked, or that has an answer."""

    code = "APPROVAL"


class ApprovalRejectedError(ApprovalError):
    """Somebody looked at it and said no."""

    code = "APPROVAL_REJECTED"


class ApprovalExpiredError(ApprovalError):
    """Nobody answered in time."""

    code = "APPROVAL_EXPIRED"


class ApprovalMismatchError(ApprovalError):
    """What is to be promoted is not what was approved."""

    code = "APPROVAL_MISMATCH"


class ContainerError(TreadleError, RuntimeError):
    """A container could not be run, or what ran in it failed."""

    code = "CONTAINER"


class MessageError(TreadleError, RuntimeError):
    """A message about a run could not be delivered."""

    code = "MESSAGE"
    transient = True


class MessageRefusedError(MessageError):
    """A message that would be refused again: a wrong address, a wrong password, a recipient that is not there."""

    code = "MESSAGE_REFUSED"
    transient = False


# transform


class TransformError(TreadleError, ValueError):
    """A ``preprocess`` asks for something that cannot be; ``line`` is the user's own."""

    code = "TRANSFORM"


class NoLoweringError(TransformError):
    """A ``preprocess`` asks for something that ONNX cannot compute, so that it could not be served."""

    code = "TRANSFORM_NO_LOWERING"


# frameworks


class UnsupportedModelError(TreadleError, TypeError):
    """A model that no framework adapter can export and store; the hint names what is supported."""

    code = "FRAMEWORK_MODEL"


# training


class TrainingDataError(TreadleError, ValueError):
    """Transformed examples that cannot be trained on: not there, without rows, or with labels missing."""

    code = "TRAINING_DATA"


# notebook


class NotebookError(TreadleError, RuntimeError):
    """Something of a notebook that cannot be carried to another process, or into a module; ``cell`` says where."""

    code = "NOTEBOOK"


class NodeFailedError(TreadleError, RuntimeError):
    """A node that a notebook ran has failed; the traceback of the function stands above it."""

    code = "NODE_FAILED"


# backends


class BackendError(TreadleError, RuntimeError):
    """A backend cannot do what is asked of it, or cannot be reached."""

    code = "BACKEND"


class UnsupportedByBackendError(BackendError, NotImplementedError):
    """A pipeline asks for something that a backend has not; ``feature`` names it."""

    code = "BACKEND_UNSUPPORTED"
