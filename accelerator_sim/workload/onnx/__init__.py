"""Networks from ONNX files, read with the `onnx` package alone (the extra `onnx`)."""
