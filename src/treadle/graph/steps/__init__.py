"""What is done to texts and pictures where they enter, before the ONNX graph: steps that a model names."""
