"""Writes data/operators/types.json: the types of each operator's inputs and outputs, from the operators' own definitions.

    python test/onnx/makeOperatorTypes.py data/operators/types.json    (onnx 1.23.2, onnxruntime 1.32.0)

Definitions of `ai.onnx` and `ai.onnx.ml` come from the onnx package, those of `com.microsoft` from ONNX Runtime.
"""

import json
import re
import sys

import onnx
import onnx.defs
import onnxruntime
import onnxruntime.capi.onnxruntime_pybind11_state as runtime

FLOATS = {"tensor(float)": "f", "tensor(float16)": "h", "tensor(bfloat16)": "b", "tensor(double)": "d"}
OLDEST = 7  # The earliest operator set that the package reads.

# Outputs whose type no input gives: the attribute that names it, and what holds without it (text of the operators).
BY_ATTRIBUTE = {
    "Cast": "@to",
    "BitCast": "@to",
    "Constant": "@value",
    "ConstantOfShape": "@value|float32",
    "RandomNormal": "@dtype|float32",
    "RandomUniform": "@dtype|float32",
    "RandomNormalLike": "@dtype|T1",
    "RandomUniformLike": "@dtype|T1",
    "EyeLike": "@dtype|T1",
    "Bernoulli": "@dtype|T1",
    "Multinomial": "@dtype|int32",
    "HannWindow": "@output_datatype|float32",
    "HammingWindow": "@output_datatype|float32",
    "BlackmanWindow": "@output_datatype|float32",
    "MelWeightMatrix": "@output_datatype|float32",
    "LayerNormalization": "@stash_type|float32",
    "SimplifiedLayerNormalization": "@stash_type|float32",
    "DequantizeLinear": "@output_dtype|T2",
    "QuantizeLinear": "@output_dtype|uint8",
}


def element(text):
    """Our name of an element type; `?` for a value that is no dense tensor."""
    found = re.fullmatch(r"tensor\((\w+)\)", text)
    if not found:
        return "?"
    return {"float": "float32", "double": "float64"}.get(found[1], found[1])


def line(schema, version):
    constraints = {c.type_param_str: list(c.allowed_type_strs) for c in schema.type_constraints}
    used = {}

    def token(place):
        parameter = place.typeStr if hasattr(place, "typeStr") else place.type_str
        allowed = constraints.get(parameter)
        if allowed is None:
            name = element(parameter)
        elif not any(t.startswith("tensor(") for t in allowed):
            name = "?"
        elif len(allowed) == 1:
            name = element(allowed[0])
        else:
            name = parameter
            used[name] = "".join(code for text, code in FLOATS.items() if text in allowed)
        homogeneous = place.isHomogeneous if hasattr(place, "isHomogeneous") else place.is_homogeneous
        variadic = str(place.option).endswith("Variadic")
        # Inputs of different types under one name are tied to nothing.
        return ("?" if variadic and not homogeneous else name) + ("*" if variadic else "")

    inputs = [token(place) for place in schema.inputs]
    known = set(used)
    outputs = []
    for place in schema.outputs:
        name = token(place)
        free = name in used and name not in known
        if schema.name == "QuantizeLinear":
            name = f"{name}|@output_dtype|uint8" if name in known else "@output_dtype|uint8"
        elif free:
            name = BY_ATTRIBUTE.get(schema.name, "?")
        outputs.append(name)
    sets = [f"{name}={codes or '-'}" for name, codes in sorted(used.items()) if name in known]
    return " ".join([schema.name, str(version), *inputs, ">", *outputs, ":", *sets])


def lines(schemas):
    """One line for each form: versions that differ in nothing told here are left out."""
    history = {}
    for schema in schemas:
        history.setdefault(schema.name, []).append(schema)
    for name in sorted(history):
        versions = sorted(history[name], key=lambda one: one.since_version)
        old = [one for one in versions if one.since_version <= OLDEST]
        last = None
        for schema in old[-1:] + [one for one in versions if one.since_version > OLDEST]:
            if schema.deprecated:
                continue
            text = line(schema, schema.since_version)
            form = text.split(" ", 2)[2]
            if form != last:
                yield text
            last = form


def main(target):
    standard = [one for one in onnx.defs.get_all_schemas_with_history() if one.domain in ("", "ai.onnx.ml")]
    microsoft = [one for one in runtime.get_all_operator_schema() if one.domain == "com.microsoft"]
    types = {
        "ai.onnx": list(lines(one for one in standard if one.domain == "")),
        "ai.onnx.ml": list(lines(one for one in standard if one.domain == "ai.onnx.ml")),
        "com.microsoft": list(lines(microsoft)),
    }
    with open(target, "w", encoding="utf-8") as out:
        json.dump(types, out, indent=1)
        out.write("\n")


main(sys.argv[1])
