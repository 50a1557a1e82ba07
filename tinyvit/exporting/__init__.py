"""Exporting a trained model: as an ONNX graph with attention and gradients, or as one file of C. See README.md here."""
