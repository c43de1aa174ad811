"""References to named tuples of arrays, which kernels hand on in the place of the arrays.

A tuple of sixty arrays is some four hundred numbers, which each function that takes it would name one by one: most of
the time that it takes to compile.  A reference is one number.  Numba is imported by the first
call of `register_references`.
"""

from __future__ import annotations

from functools import cache
from typing import Any


def refer(arrays):
    """Return a reference to a named tuple, which is used like it; where compilation is switched off, the tuple.

    A reference does not keep arrays: those of the tuple are to be arguments, or to keep names of their own.
    """
    return arrays


@cache
def register_references() -> None:
    """Tell numba the type of references, and what `refer` and the names in a tuple compile to."""
    from llvmlite import ir
    from numba import types
    from numba.core import cgutils
    from numba.core.imputils import impl_ret_borrowed
    from numba.core.typing.templates import AttributeTemplate, infer_getattr
    from numba.extending import lower_builtin, lower_getattr_generic, models, register_model, type_callable

    class TupleReference(types.Type):
        """Type of a reference to a named tuple of some type."""

        def __init__(self, of: Any) -> None:
            self.of = of
            super().__init__(name=f"reference to {of}")

    @register_model(TupleReference)
    class _ReferenceModel(models.PrimitiveModel):
        def __init__(self, manager: Any, kind: Any) -> None:
            super().__init__(manager, kind, manager[kind.of].get_value_type().as_pointer())

    @type_callable(refer)
    def type_refer(context: Any) -> Any:
        return lambda arrays: TupleReference(arrays) if isinstance(arrays, types.BaseNamedTuple) else None

    @lower_builtin(refer, types.BaseNamedTuple)
    def write_refer(context: Any, builder: Any, call: Any, given: Any) -> Any:
        return cgutils.alloca_once_value(builder, given[0])

    @infer_getattr
    class _Names(AttributeTemplate):
        key = TupleReference

        def generic_resolve(self, reference: Any, name: str) -> Any:  # type: ignore[override]
            if name not in reference.of.fields:
                return None
            kind = reference.of[reference.of.fields.index(name)]
            return TupleReference(kind) if isinstance(kind, types.BaseNamedTuple) else kind

    def loaded(builder: Any, place: Any) -> Any:
        """The value at a place, each of its numbers loaded on its own, which compilers are quicker with."""
        kind = place.type.pointee
        if not isinstance(kind, ir.Aggregate):
            return builder.load(place)
        value = ir.Constant(kind, ir.Undefined)
        for i in range(len(kind)):
            value = builder.insert_value(value, loaded(builder, cgutils.gep_inbounds(builder, place, 0, i)), i)
        return value

    @lower_getattr_generic(TupleReference)
    def write_name(context: Any, builder: Any, reference: Any, pointer: Any, name: str) -> Any:
        i = reference.of.fields.index(name)
        place = cgutils.gep_inbounds(builder, pointer, 0, i)
        if isinstance(reference.of[i], types.BaseNamedTuple):
            return place
        return impl_ret_borrowed(context, builder, reference.of[i], loaded(builder, place))
