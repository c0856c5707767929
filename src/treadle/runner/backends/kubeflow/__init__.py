"""Kubeflow Pipelines, and Vertex AI, which takes the same YAML: pipelines are compiled, and each task runs one node."""

from treadle.runner.backends.kubeflow._compile import REFUSES, Compiled, compile_pipeline

__all__ = ["REFUSES", "Compiled", "compile_pipeline"]
