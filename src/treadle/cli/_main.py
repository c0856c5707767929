"""The command group: a table of commands, loaded one at a time."""

from __future__ import annotations

import importlib
import io
import sys
from typing import Any

import click

from treadle import __version__
from treadle.cli._arrow_alone import COMMANDS as WITHOUT_PANDAS
from treadle.cli._arrow_alone import without_pandas
from treadle.cli._output import open_standard_streams, report_error

# name -> the line shown by `treadle --help`; the order is the order of the work
COMMANDS = {
    "init": "A project from your own data.",
    "stats": "Statistics of data files.",
    "drift": "Distances between two data sets, per feature.",
    "skew": "The same rows in training and serving, value by value.",
    "validate": "Check data files against a schema.",
    "coverage": "How much of new data lies outside of what was trained on.",
    "source": "What a source delivered, and whether it still does.",
    "schema": "Make, compare, widen and translate schemas.",
    "plan": "What a run would do, and why, before anything runs.",
    "run": "Run a pipeline.",
    "compile": "A pipeline for Kubeflow or Vertex AI.",
    "cancel": "Stop a run of another process.",
    "diff": "What differs between two runs.",
    "rerun": "Whether a past run comes out the same.",
    "status": "Runs and their nodes.",
    "log": "What a node printed.",
    "approve": "Approve what a run waits for, and go on with it.",
    "reject": "Reject what a run waits for.",
    "why": "Why a node ran or was reused.",
    "lineage": "Where an artifact came from and where it went.",
    "gc": "What the store no longer needs; removes it when asked.",
    "verify": "Whether the store's artifacts are whole.",
    "export": "A run with all its artifacts, as one archive.",
    "import": "Bring an exported run into this store.",
    "openlineage": "A run as OpenLineage events, for catalogues.",
    "graph": "What a servable or a transform graph computes, as text or drawn.",
    "predict": "Predict a file with a servable.",
    "serve": "Serve models over HTTP.",
    "loop": "Watch the traffic and retrain by the declared policy.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"treadle.cli._{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="treadle")
def _treadle() -> None:
    """Keep a model turning: data, features, training, judgement, serving, monitoring, retraining."""


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit with 0 (ok), 1 (the check said no) or 2 (misuse or error)."""
    argv = sys.argv[1:] if args is None else args
    open_standard_streams()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error: a name that is no text is told, too
    if args is None and argv and argv[0] in WITHOUT_PANDAS:
        without_pandas()
    try:
        result: Any = _treadle.main(args=argv, prog_name="treadle", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # the edge of the program: every error becomes a sentence
        sys.exit(report_error(error, as_json="--json" in argv))
    sys.exit(result if isinstance(result, int) else 0)
