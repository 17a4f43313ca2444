"""Models of one's own: PyTorch through `transformers`, or ONNX Runtime. Optional; only this package imports either."""
