"""Writes an ONNX file as OpenVINO's IR, which runs without finegates and without torch."""

from pathlib import Path

from finegates.errors import ModelError


def export_openvino(onnx_file: Path, path: Path) -> None:
    """Writes an ONNX file as IR, its weights in float32.

    Args:
        onnx_file: From `finegates.shrinking.onnx.export_onnx`.
        path: The ``.xml`` file; its weights go next to it, into a ``.bin`` file. Inputs, outputs
            and their sizes are those of the ONNX file.

    Raises:
        ModelError: If openvino is not installed.
    """
    try:
        import openvino
    except ImportError as error:
        raise ModelError(
            "OpenVINO export needs the package openvino; pip install 'finegates[openvino]'."
        ) from error
    openvino.save_model(openvino.convert_model(str(onnx_file)), path, compress_to_fp16=False)
