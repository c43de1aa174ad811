"""The operators of PyTorch that compute each element by itself."""

from __future__ import annotations

from typing import Any

from torch import fx

from accelerator_sim.workload.torch.call import ATEN, AtenRule, Call


def _alone(op: str, **attributes: Any) -> AtenRule:
    """An operator with one operand; attributes: arguments that it takes over, by the name of the attribute."""

    def rule(call: Call) -> str:
        given = {name: call.get(argument) for name, argument in attributes.items()}
        numbers = {name: float(value) for name, value in given.items() if value is not None}
        return call.emit(op, call.read(call.first), **numbers)

    return rule


def _gelu(call: Call) -> str:
    return call.emit("Gelu", call.read(call.first), approximate=str(call.get("approximate", "none")))


def _silu(call: Call) -> str:
    read = call.read(call.first)
    return call.emit("Mul", read, call.emit("Sigmoid", read))


def _clipped(least: str, most: str) -> AtenRule:
    def rule(call: Call) -> str:
        bounds = [call.get(least), call.get(most)]
        names = ["" if call.get(which) is None else call.operand(which) for which in (least, most)]
        if any(isinstance(bound, fx.Node) for bound in bounds):
            read = call.read(call.first)
            for op, name in (("Max", names[0]), ("Min", names[1])):
                read = call.emit(op, read, name) if name else read
            return read
        return call.emit("Clip", call.read(call.first), *(names if names[1] else names[:1]))

    return rule


def _relu6(call: Call) -> str:
    return call.emit("Clip", call.read(call.first), call.scalar(0.0), call.scalar(6.0))


def _scaled(op: str, turned: bool = False) -> AtenRule:
    """A sum or difference, with the second operand times `alpha`."""

    def rule(call: Call) -> str:
        a, b = call.operand("self"), call.operand("other")
        factor = call.get("alpha", 1)
        if factor != 1:
            b = call.emit("Mul", b, call.scalar(factor))
        return call.emit(op, *((b, a) if turned else (a, b)))

    return rule


def _pair(op: str, left: str = "self", right: str = "other") -> AtenRule:
    return lambda call: call.emit(op, call.operand(left), call.operand(right))


def _quotient(call: Call) -> str:
    out = call.emit("Div", call.operand("self"), call.operand("other"))
    return call.emit("Floor", out) if call.get("rounding_mode") or call.operator.endswith("floor_divide") else out


def _three(call: Call) -> str:
    """addcmul and addcdiv: something added to a product or a quotient."""
    out = call.emit("Mul" if call.operator.endswith("mul") else "Div", call.tensor("tensor1"), call.tensor("tensor2"))
    if call.get("value", 1) != 1:
        out = call.emit("Mul", out, call.scalar(call.get("value")))
    return call.emit("Add", call.tensor("self"), out)


def _root_below(call: Call) -> str:
    return call.emit("Reciprocal", call.emit("Sqrt", call.read(call.first)))


def _prelu(call: Call) -> str:
    """One slope for each channel, which is the second dimension."""
    slope, shape = call.tensor("weight"), call.shape("self")
    if call.shape("weight") != (1,) and len(shape) > 2:
        slope = call.reshaped(slope, (*call.shape("weight"), *(1,) * (len(shape) - 2)))
    return call.emit("PRelu", call.read(call.first), slope)


_ALONE = {
    "relu": "Relu", "sigmoid": "Sigmoid", "tanh": "Tanh", "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs",
    "neg": "Neg", "erf": "Erf", "reciprocal": "Reciprocal", "sin": "Sin", "cos": "Cos", "tan": "Tan", "asin": "Asin",
    "acos": "Acos", "atan": "Atan", "sinh": "Sinh", "cosh": "Cosh", "asinh": "Asinh", "acosh": "Acosh",
    "atanh": "Atanh", "floor": "Floor", "ceil": "Ceil", "round": "Round", "sign": "Sign", "hardswish": "HardSwish",
    "mish": "Mish", "selu": "Selu", "logical_not": "Not", "isnan": "IsNaN", "isinf": "IsInf",
    "bitwise_not": "BitwiseNot", "exp2": "Exp", "expm1": "Exp", "log1p": "Log", "log2": "Log", "log10": "Log",
    "trunc": "Floor", "softplus": "Softplus", "logsigmoid": "Softplus", "log_sigmoid": "Softplus", "erfc": "Erf",
    "sgn": "Sign",
}  # fmt: skip
"""Operators with one operand and the one of ONNX that moves as many words."""

_PAIRS = {
    "mul": "Mul", "maximum": "Max", "minimum": "Min", "fmax": "Max", "fmin": "Min", "eq": "Equal", "gt": "Greater",
    "lt": "Less", "ge": "GreaterOrEqual", "le": "LessOrEqual", "logical_and": "And", "logical_or": "Or",
    "logical_xor": "Xor", "bitwise_and": "BitwiseAnd", "bitwise_or": "BitwiseOr", "bitwise_xor": "BitwiseXor",
    "remainder": "Mod", "fmod": "Mod", "__and__": "BitwiseAnd", "__or__": "BitwiseOr", "__xor__": "BitwiseXor",
}  # fmt: skip

ELEMENTWISE: dict[str, AtenRule] = {
    **{name: _alone(op) for name, op in _ALONE.items()},
    **{name: _pair(op) for name, op in _PAIRS.items()},
    "hardsigmoid": lambda call: call.emit("HardSigmoid", call.read(call.first), alpha=1 / 6, beta=0.5),
    "leaky_relu": _alone("LeakyRelu", alpha="negative_slope"),
    "elu": _alone("Elu", alpha="alpha"),
    "celu": _alone("Celu", alpha="alpha"),
    "prelu": _prelu,
    "_prelu_kernel": _prelu,
    "gelu": _gelu,
    "silu": _silu,
    "relu6": _relu6,
    "hardtanh": _clipped("min_val", "max_val"),
    "clamp": _clipped("min", "max"),
    "clip": _clipped("min", "max"),
    "clamp_min": _clipped("min", ""),
    "clamp_max": _clipped("", "max"),
    "add": _scaled("Add"),
    "sub": _scaled("Sub"),
    "rsub": _scaled("Sub", turned=True),
    "div": _quotient,
    "true_divide": _quotient,
    "floor_divide": _quotient,
    "pow": lambda call: call.emit("Pow", call.operand("self"), call.operand("exponent")),
    "square": lambda call: call.emit("Mul", call.read(call.first), call.read(call.first)),
    "rsqrt": _root_below,
    "addcmul": _three,
    "addcdiv": _three,
    "ne": lambda call: call.emit("Not", call.emit("Equal", call.operand("self"), call.operand("other"))),
    "atan2": _pair(f"{ATEN}atan2"),
}
"""Rules by the name of the operator."""
