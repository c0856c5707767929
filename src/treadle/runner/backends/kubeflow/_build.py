"""The tasks of a pipeline, placed in Kubeflow's blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path as File
from typing import Any

from treadle.pipeline import Component, Kind, NodeIR, PipelineIR, Wire, find_function, leaves
from treadle.pipeline import NodeSettings as Settings
from treadle.runner.backends.kubeflow import _tasks as tasks
from treadle.runner.backends.kubeflow._container import MADE, program_of
from treadle.runner.backends.kubeflow._groups import Group, If, Loop, Path, is_inside, paths, siblings_in_order


class Builder:
    """Builds one pipeline, inside a function that kfp compiles.

    Args:
        ir: The pipeline.
        around: What all tasks are told.
        files: Where modules are.
        parameters: The open run-time parameters, as kfp gives them.
    """

    def __init__(
        self, ir: PipelineIR, around: tasks.Surroundings, files: Mapping[str, File], parameters: Mapping[str, Any]
    ) -> None:
        self._nodes = {name: node for name, node in ir.nodes.items() if not node.at_exit}
        self._last = [node for node in ir.nodes.values() if node.at_exit]
        self._around = around
        self._files = files
        self._given = {f"parameter_{name}": value for name, value in parameters.items()}
        self._paths = paths(self._nodes)
        self._made: dict[str, Any] = {}
        """Tasks by node."""
        self._types: dict[str, dict[str, str]] = {}
        self._steers: dict[str, Group] = {}
        """The blocks that nodes steer with an output of their own, by node."""
        self._items: dict[str, Any] = {}
        """What the rounds of loops go through, by loop."""
        for path in dict.fromkeys(self._paths.values()):
            self._choose_steering(path)

    def build(self) -> None:
        """Place everything."""
        from kfp import dsl
        from kfp.dsl import structures

        name = "treadle-finish" if "finish" in self._nodes else "finish"
        status = structures.InputSpec(type="PipelineTaskFinalStatus", optional=True)
        last = tasks.Task(name, ["finish"], {"status": status})
        finish = self._place(last, _together(self._last))
        with dsl.ExitHandler(finish, name="run"):
            self._fill(())

    def _choose_steering(self, path: Path) -> None:
        """Let a node tell what a block needs to know where one node knows it: that saves a task."""
        for place, group in enumerate(path):
            sources = _sources(group, self._nodes)
            if len(sources) != 1:
                continue
            (node,) = sources
            free = self._steers.get(node)
            if (free is None or _same_question(free, group)) and is_inside(path[:place], self._paths[node]):
                self._steers[node] = group

    def _fill(self, path: Path, item: Any = None) -> None:
        """Place what is in a block, each after what it waits for."""
        things: dict[str, list[str]] = {}
        groups: dict[str, Group] = {}
        for name, where in self._paths.items():
            if not is_inside(where, path):
                continue
            if where == path:
                things[f"node {name}"] = [name]
            else:
                group = where[len(path)]
                key = next((known for known, other in groups.items() if other == group), f"group {len(groups)}")
                groups.setdefault(key, group)
                things.setdefault(key, []).append(name)
        before = {name: [*node.upstream(), *node.settles] for name, node in self._nodes.items()}
        for thing in siblings_in_order(things, before):
            if thing in groups:
                self._open(groups[thing], path, item)
            else:
                (name,) = things[thing]
                self._made[name] = self._node(self._nodes[name], item)

    def _open(self, group: Group, path: Path, item: Any) -> None:
        from kfp import dsl

        steering = self._steering(group, item)
        if isinstance(group, Loop):
            loop = dsl.ParallelFor(steering, name=group.name.replace("_", "-"), parallelism=group.parallelism)
            with loop as number:
                self._fill((*path, group), number)
            return
        wanted = "holds" if group.holds else "fails"
        block: AbstractContextManager[Any] = dsl.If(steering == wanted, name=f"{group.condition} {wanted}")
        with block:
            self._fill((*path, group), item)

    def _steering(self, group: Group, item: Any) -> Any:
        """The output that a block looks at."""
        if isinstance(group, Loop) and (other := self._gathered_from(group)) is not None:
            return self._items[other]
        sources = _sources(group, self._nodes)
        if len(sources) == 1 and _same_question(self._steers.get(sources[0]), group):
            task = self._made[sources[0]]
        else:
            known = f"{group}"
            if known not in self._made:
                what = "rounds" if isinstance(group, Loop) else f"condition-{group.number + 1}"
                asked = tasks.Task(f"{group.node}-{what}", ["steer", *_question(group)])
                asked.outputs[tasks.CONTROL] = "List" if isinstance(group, Loop) else "String"
                self._add_round(asked, item)
                self._made[known] = self._place(asked, Settings(), after=[self._made[name] for name in sources])
            task = self._made[known]
        output = task.outputs[tasks.CONTROL]
        if isinstance(group, Loop):
            self._items[group.name] = output
        return output

    def _gathered_from(self, group: Loop) -> str | None:
        """The loop whose results this loop goes through: it has as many rounds."""
        each = self._nodes[group.node].each
        assert each is not None
        if isinstance(each.source, Wire):
            other = self._nodes[each.source.node].each
            return None if other is None else other.name
        return None

    def _node(self, node: NodeIR, item: Any) -> Any:
        program = program_of(self._component(node))
        task = tasks.Task(node.name, ["node", node.name])
        self._types[node.name] = tasks.output_types(node, self._component(node))
        task.outputs = {**self._types[node.name], tasks.STATE: "String"}
        if (steered := self._steers.get(node.name)) is not None:
            task.arguments += ["--steer", *_question(steered)]
            task.outputs[tasks.CONTROL] = "List" if isinstance(steered, Loop) else "String"
        self._add_round(task, item)
        after = []
        for argument in node.arguments.values():
            for leaf in leaves(argument):
                if isinstance(leaf, Wire):
                    self._wire(task, node, leaf)
        for up in node.upstream():
            if self._is_gathered(node, up):
                if not any(name.startswith(f"input_{_plain(up)}_") for name in task.inputs):
                    self._wire(task, node, Wire(up, tasks.STATE))
            else:
                after.append(self._made[up])
        settled = [self._made[name] for name in node.settles]
        if program is not None:
            return self._program(node, program, task, after=[*after, *settled], item=item)
        made = self._place(task, node.settings, after=[*after, *settled])
        return made.ignore_upstream_failure() if settled else made

    def _program(
        self, node: NodeIR, program: Mapping[str, Any], task: tasks.Task, *, after: Sequence[Any], item: Any
    ) -> Any:
        """The task before a program in an image, the program, and the task after it, which stands for the node."""
        from kfp.dsl import structures

        signature = self._component(node).signature
        kinds = {
            parameter.name: tasks.artifact_type(parameter.annotation.type_name)
            for parameter in signature.parameters.values()
            if parameter.kind is Kind.INPUT
        }
        texts = [parameter.name for parameter in signature.parameters.values() if parameter.kind is Kind.VALUE]
        before = tasks.Task(f"{node.name}-prepare", ["prepare", node.name], task.inputs, given=task.given)
        before.outputs = {**kinds, **dict.fromkeys(texts, "String")}
        prepared = self._place(before, Settings(retries=node.settings.retries), after=after)
        made = {name: tasks.artifact_type(kind) for name, kind in node.outputs.items()}
        component = tasks.program(node.name, program, kinds, texts, made)
        ran = component(**{name: prepared.outputs[name] for name in before.outputs})
        tasks.configure(ran, node.settings, replace(self._around, volumes={}))
        last = tasks.Task(f"{node.name}-publish", ["publish", *task.arguments[1:]], outputs=task.outputs)
        self._add_round(last, item)
        for name, kind in made.items():
            last.inputs[f"{MADE}_{name}"] = structures.InputSpec(type=kind)
            last.given[f"{MADE}_{name}"] = ran.outputs[name]
        return self._place(last, Settings(), after=[ran])

    def _wire(self, task: tasks.Task, node: NodeIR, wire: Wire) -> None:
        """Show Kubeflow where something comes from."""
        from kfp import dsl
        from kfp.dsl import structures

        name = f"input_{_plain(wire.node)}_{wire.output}"
        if name in task.inputs:
            return
        kind = self._types[wire.node].get(wire.output, "String")
        channel = self._made[wire.node].outputs[wire.output]
        gathered = self._is_gathered(node, wire.node)
        artifact = tasks.is_artifact(kind)
        optional = bool(node.settles)
        if gathered:
            channel = dsl.Collected(channel)
            kind = kind if artifact else "List"
        task.inputs[name] = structures.InputSpec(
            type=kind, is_artifact_list=gathered and artifact, optional=optional, default=None
        )
        task.given[name] = channel

    def _is_gathered(self, node: NodeIR, up: str) -> bool:
        each = self._nodes[up].each
        return each is not None and (node.each is None or node.each.name != each.name)

    def _add_round(self, task: tasks.Task, item: Any) -> None:
        from kfp.dsl import structures

        if item is not None:
            task.inputs["round"] = structures.InputSpec(type="String")
            task.given["round"] = item

    def _place(self, task: tasks.Task, settings: Settings, *, after: Sequence[Any] = ()) -> Any:
        made = tasks.component_of(task, self._around)(**task.given, **self._given)
        tasks.configure(made, settings, self._around)
        return made.after(*after) if after else made

    def _component(self, node: NodeIR) -> Component:
        found = find_function(node.component, self._files)
        assert isinstance(found, Component)
        return found


def _sources(group: Group, nodes: Mapping[str, NodeIR]) -> list[str]:
    """The nodes whose results decide a block."""
    if isinstance(group, If):
        return list(dict.fromkeys(wire.node for wire in group.condition.wires()))
    each = nodes[group.node].each
    assert each is not None
    return list(dict.fromkeys(leaf.node for leaf in leaves(each.source) if isinstance(leaf, Wire)))


def _same_question(one: Group | None, other: Group) -> bool:
    if isinstance(one, If) and isinstance(other, If):
        return one.condition == other.condition
    return one == other


def _question(group: Group) -> list[str]:
    return ["rounds", group.node] if isinstance(group, Loop) else ["condition", group.node, str(group.number)]


def _plain(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


def _together(nodes: Sequence[NodeIR]) -> Settings:
    """What the end of the run takes: the most that one of its nodes does."""
    resources: dict[str, float] = {}
    for node in nodes:
        for name, amount in node.settings.resources.items():
            resources[name] = max(amount, resources.get(name, 0.0))
    return Settings(resources=resources)
