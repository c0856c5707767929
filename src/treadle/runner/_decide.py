"""Whether a node runs: its fingerprint against what the store holds, with the reason in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from treadle.artifact import Artifact, canonical_json, digest_bytes
from treadle.errors import ArtifactError, PipelineError, UserCodeError
from treadle.metadata import ArtifactRecord, ExecutionRecord, MetadataStore
from treadle.pipeline import (
    CodeReader,
    Component,
    Function,
    FunctionReference,
    NodeIR,
    Pipeline,
    find_function,
    is_users,
    leaves,
)
from treadle.runner._arguments import Outputs, artifacts, bind, fingerprint_parts, plain_values, request, short
from treadle.runner._changes import describe_changes
from treadle.runner._earlier import Earlier
from treadle.runner._reads import changed_read
from treadle.storage import ArtifactStore


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a node."""

    node: NodeIR
    fingerprint: str
    parts: Mapping[str, str]
    inputs: Mapping[str, list[ArtifactRecord]]
    arguments: Mapping[str, Any]
    """As the node's process gets them."""
    reason: str
    hit: ExecutionRecord | None = None
    """The execution whose outputs can be used; None: the node runs."""
    resolved: Any = None
    sources: Mapping[str, str] = field(default_factory=dict)
    """The source files that the fingerprint was read from."""
    reusable: bool = True
    """Whether a later run may use what this node makes."""


class Decider:
    """Decides for the nodes of one run. Reads the store; writes nothing but a damaged artifact aside."""

    def __init__(
        self,
        pipeline: Pipeline,
        metadata: MetadataStore,
        store: ArtifactStore,
        code: CodeReader,
        *,
        earlier: Earlier | None = None,
        reuse: bool = True,
    ) -> None:
        self._pipeline = pipeline
        self.metadata = metadata
        self.store = store
        self._code = code
        self._earlier = earlier or Earlier()
        self._reuse = reuse

    @cached_property
    def files(self) -> dict[str, Path]:
        """The files of modules that are imported by their path: the pipeline's own."""
        return {self._pipeline.module: self._pipeline.file} if self._pipeline.file else {}

    @cached_property
    def project(self) -> str:
        """The folder of the pipeline's file."""
        return str(self._pipeline.folder or Path.cwd())

    def may_reuse(self) -> bool:
        """Whether it is likely that a node's earlier results are used: they may be, and the pipeline has run before."""
        return self._reuse and len(self.metadata.runs(pipeline=self._pipeline.name, limit=2)) > 1

    def component(self, node: NodeIR) -> Component:
        """The node's component, imported."""
        found = find_function(node.component, self.files)
        assert isinstance(found, Component)
        return found

    def imports(self, node: NodeIR) -> list[tuple[str, str]]:
        """What the node's process is going to import, as far as its code says: modules, and names taken from them."""
        return self._code.imports(_functions(node))

    def sources(self) -> list[str]:
        """The user's files that nodes are going to import, as far as is known by now."""
        return sorted({*filter(is_users, self._code.sources), *map(str, self.files.values())})

    def decide(self, node: NodeIR, outputs: Outputs, *, run: str | None = None) -> Decision:
        """Decide about a node whose upstream nodes have outputs.

        Args:
            node: The node.
            outputs: What the nodes before it made.
            run: The run that asks; what it made itself is no earlier result.

        Raises:
            PipelineError: When a file parameter names no file.
            UserCodeError: When the component's resolve step raises.
        """
        arguments = {name: bind(argument, outputs, self.store) for name, argument in node.arguments.items()}
        resolved = self._resolve(node, arguments) if node.resolves else None
        parts, always, sources = self._parts(node, arguments, resolved)
        fingerprint = digest_bytes(canonical_json(parts))
        inputs = {name: artifacts(bound) for name, bound in arguments.items()}
        hit, reason = self._done_before(node, fingerprint), always
        if hit is not None:
            reason = f"done in run {hit.run_id}, which is resumed"
        elif not self._reuse:
            reason = "every node was asked to run"
        elif reason is None:
            hit, reason = self._look_up(node, fingerprint, parts, run)
        assert reason is not None
        return Decision(
            node=node,
            fingerprint=fingerprint,
            parts=parts,
            inputs={name: records for name, records in inputs.items() if records},
            arguments={name: request(bound) for name, bound in arguments.items()},
            reason=reason,
            hit=hit,
            resolved=resolved,
            sources=sources,
            reusable=always is None,
        )

    def take(self, node: NodeIR, outputs: Outputs) -> Decision:
        """What a node that is not selected has made, for the nodes that are.

        Raises:
            PipelineError: When there is nothing, or something changed since and no run was named to take it from.
        """
        where = {"node": node.name, "run": self._earlier.base_run}
        if self._earlier.base is None:
            decision = self.decide(node, outputs)
            if decision.hit is None:
                raise PipelineError(
                    f"{node.name} is not selected and has nothing to give: {decision.reason}",
                    where=where,
                    hint="select it too, or name the run to take its results from: --base RUN",
                )
            return decision
        found = self._earlier.base.get(node.name)
        if found is None or set(found.outputs) < set(node.outputs):
            raise PipelineError(
                f"The run has no results of {node.name}", where=where, hint=f"treadle status {self._earlier.base_run}"
            )
        if (damage := self._damage(found)) is not None:
            raise PipelineError(f"{node.name} cannot be taken from the run: {damage}", where=where)
        fingerprint = found.fingerprint or ""
        reason = f"taken from run {self._earlier.base_run}, as asked"
        parts = self.metadata.parts(fingerprint)
        return Decision(node, fingerprint, parts, {}, {}, reason, hit=found)

    def _done_before(self, node: NodeIR, fingerprint: str) -> ExecutionRecord | None:
        """What a resumed run has done of a node that runs every time, so that it is done once."""
        found = self._earlier.resumed.get(node.name)
        if node.cache or found is None or found.fingerprint != fingerprint or self._damage(found) is not None:
            return None
        return found

    def _parts(
        self, node: NodeIR, arguments: Mapping[str, Any], resolved: Any
    ) -> tuple[dict[str, str], str | None, dict[str, str]]:
        parts = {"component": str(node.component)}
        for name, bound in sorted(arguments.items()):
            parts |= fingerprint_parts(name, bound)
        if node.resolves:
            parts["resolved"] = short(canonical_json(resolved))
        for name, kind in node.outputs.items():
            parts[f"output {name}"] = kind
        always = None if node.cache else "the component asks to run every time (cache=False)"
        sources: dict[str, str] = {}
        for reference in _functions(node):
            code = self._code.read(reference)
            parts |= code.parts
            sources |= code.sources
            always = always or code.always
        return parts, always, sources

    def _look_up(
        self, node: NodeIR, fingerprint: str, parts: Mapping[str, str], run: str | None
    ) -> tuple[ExecutionRecord | None, str]:
        found = None
        for execution in self.metadata.successes(fingerprint):
            if execution.run_id == run:
                continue
            if (path := changed_read(execution.reads, self.project)) is not None:
                found = found or f"a file it reads changed: {path}"
            elif (damage := self._damage(execution)) is not None:
                found = found or damage
            else:
                return execution, f"nothing changed since run {execution.run_id}"
        if found is not None:
            return None, found
        previous = self.metadata.latest_success(self._pipeline.name, node.name)
        if previous is None or previous.fingerprint is None:
            return None, "first run"
        return None, describe_changes(self.metadata.parts(previous.fingerprint), parts)

    def _damage(self, execution: ExecutionRecord) -> str | None:
        for name, record in execution.outputs.items():
            try:
                self.store.find(record.digest, Artifact)
            except ArtifactError as error:
                return f"its output {name!r} {'is gone' if isinstance(error, FileNotFoundError) else 'is damaged'}"
        return None

    def _resolve(self, node: NodeIR, arguments: Mapping[str, Any]) -> Any:
        function = self.component(node).resolve
        assert function is not None
        return resolve(function, node, arguments, self.store)


def _functions(node: NodeIR) -> list[FunctionReference]:
    """The node's component and the functions that it is given."""
    given = [leaf for argument in node.arguments.values() for leaf in leaves(argument)]
    return [node.component, *(leaf.reference for leaf in given if isinstance(leaf, Function))]


def resolve(function: Callable[..., Any], node: NodeIR, arguments: Mapping[str, Any], store: ArtifactStore) -> Any:
    """Call a component's resolve step with the arguments it names; its JSON result."""
    import inspect

    given = plain_values(arguments, store)
    parameters = inspect.signature(function).parameters
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        given = {name: value for name, value in given.items() if name in parameters}
    result = function(**given)
    try:
        canonical_json(result)
    except (TypeError, ValueError) as error:
        raise UserCodeError(
            f"The resolve step returned something that is not JSON: {error}", where={"node": node.name}
        ) from error
    return result
