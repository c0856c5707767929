"""The tasks of a pipeline, placed in Kubeflow's blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path as File
from typing import Any

from treadle.pipeline import Component, Kind, NodeIR, PipelineIR, Wire, find_function, leaves
from treadle.pipeline import NodeSettings as Settings
from treadle.runner.backends.kubeflow import _tasks as tasks
from treadle.runner.backends.kubeflow._container import MADE, program_of
from treadle.runner.backends.kubeflow._groups import Group, If, Loop, Path, paths, stages


@dataclass(eq=False)
class Block:
    """A block of Kubeflow's, as it was opened."""

    group: Group
    item: Any = None
    """In a loop: what tells the round, with those of the loops around it."""
    ended: Any = None
    """Of a condition that something outside waits for: an output that is there when it was gone through or left out."""


Place = tuple[Block, ...]
"""The blocks that something is in, outermost first."""


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
        self._before = {name: frozenset(node.before()) for name, node in self._nodes.items()}
        self._made: dict[str, Any] = {}
        """Tasks by node."""
        self._places: dict[str, Place] = {}
        """Where they are."""
        self._types: dict[str, dict[str, str]] = {}
        self._steers: dict[str, Group] = {}
        """The blocks that nodes steer with an output of their own, by node."""
        self._asked: dict[tuple[str, Place], Any] = {}
        """Tasks that only steer, by what they are asked and where."""
        for path in dict.fromkeys(self._paths.values()):
            self._choose_steering(path)

    def build(self) -> None:
        """Place everything."""
        from kfp import dsl
        from kfp.dsl import structures

        name = "treadle-finish" if "finish" in self._nodes else "finish"
        status = structures.InputSpec(type="PipelineTaskFinalStatus", optional=True)
        last = tasks.Task(name, ["finish"], {"status": status})
        finish = self._put(last, _together(self._last))
        with dsl.ExitHandler(finish, name="run"):
            self._fill((), list(self._paths))

    def _choose_steering(self, path: Path) -> None:
        """Let a node tell what a block needs to know where one node knows it: that saves a task."""
        for depth, group in enumerate(path):
            sources = self._sources(group)
            if len(sources) != 1:
                continue
            (node,) = sources
            free = self._steers.get(node)
            own = self._paths[node]
            between = path[len(own) : depth]  # a round of a loop has its own answer
            is_seen = path[: len(own)] == own and len(own) <= depth and not any(isinstance(g, Loop) for g in between)
            if is_seen and (free is None or _asks(free) == _asks(group)):
                self._steers[node] = group

    def _fill(self, place: Place, names: Sequence[str]) -> None:
        """Place what is in a block, each after what it waits for."""
        for group, members in stages(names, len(place), self._paths, self._before):
            if group is None:
                (name,) = members
                self._places[name] = place
                self._made[name] = self._node(self._nodes[name], place)
            else:
                self._open(group, place, members)

    def _open(self, group: Group, place: Place, members: Sequence[str]) -> None:
        from kfp import dsl

        steering = self._steering(group, place)
        block = Block(group)
        inside = (*place, block)
        if isinstance(group, Loop):
            loop = dsl.ParallelFor(steering, name=group.name.replace("_", "-"), parallelism=group.parallelism)
            with loop as block.item:
                self._fill(inside, members)
            return
        wanted = "holds" if group.holds else "fails"
        opened: AbstractContextManager[Any] = dsl.If(steering == wanted, name=f"{group.condition} {wanted}")
        waited_for = any(self._before[name] & set(members) for name in self._nodes if name not in members)
        with opened:
            self._fill(inside, members)
            if waited_for:
                directly = [self._made[name] for name in members if self._places[name] == inside]
                gone_into = directly[0] if directly else self._leave_out([], inside, f"{members[0]}-block")
        if waited_for:
            with dsl.Else(name=f"{group.condition} not {wanted}"):
                left_out = self._leave_out(members, inside, f"{members[0]}-left-out")
            block.ended = dsl.OneOf(gone_into.outputs[tasks.STATE], left_out.outputs[tasks.STATE])

    def _leave_out(self, names: Sequence[str], place: Place, name: str) -> Any:
        """A task that records of nodes that they do not run."""
        task = tasks.Task(name, ["leave-out", *names], outputs={tasks.STATE: "String"})
        return self._put(task, Settings(), place=place)

    def _steering(self, group: Group, place: Place) -> Any:
        """The output that a block looks at."""
        sources = self._sources(group)
        if len(sources) == 1 and (other := self._steers.get(sources[0])) and _asks(other) == _asks(group):
            seen = self._places[sources[0]]
            if place[: len(seen)] == seen:
                return self._made[sources[0]].outputs[tasks.CONTROL]
        key = (_asks(group), place)
        if key not in self._asked:
            what = f"{group.name}-rounds" if isinstance(group, Loop) else f"{group.node}-condition-{group.number + 1}"
            task = tasks.Task(what, ["steer", *_question(group)], outputs={tasks.CONTROL: _answer(group)})
            self._asked[key] = self._put(task, Settings(), place=place, after=sources)
        return self._asked[key].outputs[tasks.CONTROL]

    def _sources(self, group: Group) -> list[str]:
        """The nodes whose results decide a block."""
        if isinstance(group, If):
            return list(dict.fromkeys(wire.node for wire in group.condition.wires()))
        each = next(each for node in self._nodes.values() for each in node.loops() if each.name == group.name)
        return list(dict.fromkeys(leaf.node for leaf in leaves(each.source) if isinstance(leaf, Wire)))

    def _node(self, node: NodeIR, place: Place) -> Any:
        program = program_of(self._component(node))
        task = tasks.Task(node.name, ["node", node.name])
        self._types[node.name] = tasks.output_types(node, self._component(node))
        task.outputs = {**self._types[node.name], tasks.STATE: "String"}
        if (steered := self._steers.get(node.name)) is not None:
            task.arguments += ["--steer", *_question(steered)]
            task.outputs[tasks.CONTROL] = _answer(steered)
        for argument in node.arguments.values():
            for leaf in leaves(argument):
                if isinstance(leaf, Wire):
                    self._wire(task, leaf, place)
        if program is not None:
            return self._program(node, program, task, place)
        return self._put(task, node.settings, place=place, after=node.before())

    def _program(self, node: NodeIR, program: Mapping[str, Any], task: tasks.Task, place: Place) -> Any:
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
        prepared = self._put(before, Settings(retries=node.settings.retries), place=place, after=node.before())
        made = {name: tasks.artifact_type(kind) for name, kind in node.outputs.items()}
        component = tasks.program(node.name, program, kinds, texts, made)
        ran = component(**{name: prepared.outputs[name] for name in before.outputs})
        tasks.configure(ran, node.settings, replace(self._around, volumes={}))
        last = tasks.Task(f"{node.name}-publish", ["publish", *task.arguments[1:]], outputs=task.outputs)
        for name, kind in made.items():
            last.inputs[f"{MADE}_{name}"] = structures.InputSpec(type=kind)
            last.given[f"{MADE}_{name}"] = ran.outputs[name]
        return self._put(last, Settings(), place=place)

    def _wire(self, task: tasks.Task, wire: Wire, place: Place) -> None:
        """Show Kubeflow where something comes from; what comes out of a block is not to be seen outside."""
        from kfp.dsl import structures

        name = f"input_{_plain(wire.node)}_{wire.output}"
        if name not in task.inputs and not self._between(wire.node, place):
            kind = self._types[wire.node].get(wire.output, "String")
            task.inputs[name] = structures.InputSpec(type=kind)
            task.given[name] = self._made[wire.node].outputs[wire.output]

    def _between(self, name: str, place: Place) -> Place:
        """The blocks around a node that a place is not in."""
        seen = self._places[name]
        shared = sum(1 for one, other in zip(seen, place, strict=False) if one is other)
        return seen[shared:]

    def _put(self, task: tasks.Task, settings: Settings, *, place: Place = (), after: Sequence[str] = ()) -> Any:
        """Make a task, there where kfp is, after the nodes that it waits for."""
        from kfp.dsl import structures

        if rounds := [block.item for block in place if isinstance(block.group, Loop)]:
            task.inputs["round"] = structures.InputSpec(type="String")
            task.given["round"] = rounds[-1]
        plainly = []
        for up in after:
            blocks = self._between(up, place)
            if blocks and isinstance(blocks[0].group, If):
                name = f"after_{_plain(up)}"
                task.inputs[name] = structures.InputSpec(type="String")
                task.given[name] = blocks[0].ended
            else:
                plainly.append(self._made[up])
        made = tasks.component_of(task, self._around)(**task.given, **self._given)
        tasks.configure(made, settings, self._around)
        return made.after(*plainly) if plainly else made

    def _component(self, node: NodeIR) -> Component:
        found = find_function(node.component, self._files)
        assert isinstance(found, Component)
        return found


def _asks(group: Group) -> str:
    """What has to be known to go into a block; the same for both branches of a condition."""
    return group.name if isinstance(group, Loop) else str(group.condition)


def _question(group: Group) -> list[str]:
    return ["rounds", group.name] if isinstance(group, Loop) else ["condition", group.node, str(group.number)]


def _answer(group: Group) -> str:
    """The type of the answer."""
    return "List" if isinstance(group, Loop) else "String"


def _plain(name: str) -> str:
    return name.replace(".", "_").replace("-", "_")


def _together(nodes: Sequence[NodeIR]) -> Settings:
    """What the end of the run takes: the most that one of its nodes does."""
    resources: dict[str, float] = {}
    for node in nodes:
        for name, amount in node.settings.resources.items():
            resources[name] = max(amount, resources.get(name, 0.0))
    return Settings(resources=resources)
