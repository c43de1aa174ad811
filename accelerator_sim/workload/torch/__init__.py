"""Networks of PyTorch: a module, or what `torch.export.save` wrote, as the graph that the ONNX reader takes."""
