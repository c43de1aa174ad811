"""How numba compiles the functions of `kernels.vectors`: each to one or a few instructions on a vector.

Numba is imported by the first call of `register_vectors`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from typing import Any

from accelerator_sim.kernels import vectors
from accelerator_sim.kernels.vectors import WIDTH


@cache
def register_vectors() -> None:
    """Tell numba the type of vectors, and what its functions, sums and differences compile to."""
    from numba.extending import lower_builtin, type_callable

    code = VectorCode()
    for function, overloads in code.table.items():
        type_callable(function)(typed(overloads))
        for wanted, _, write in overloads:
            lower_builtin(function, *wanted)(write)


def typed(overloads: Sequence[tuple[Any, Any, Any]]) -> Callable[[Any], Callable[..., Any]]:
    """What numba asks for the type of a call, None where no overload takes such arguments."""

    def of(*given: Any) -> Any:
        for wanted, result, _ in overloads:
            if all(isinstance(g, w) for g, w in zip(given, wanted, strict=True)):
                return result
        return None

    of_arguments: dict[int, Callable[..., Any]] = {  # numba reads from the signature how many there are
        1: lambda a: of(a),
        2: lambda a, b: of(a, b),
        3: lambda a, b, c: of(a, b, c),
        4: lambda a, b, c, d: of(a, b, c, d),
        5: lambda a, b, c, d, e: of(a, b, c, d, e),
    }
    return lambda context: of_arguments[len(overloads[0][0])]


class VectorCode:
    """Writes the code of the functions of `kernels.vectors`.

    Methods of calls take what numba hands to an implementation: the context of the target, the builder of code, the
    types of the call, and its arguments.
    """

    def __init__(self) -> None:
        from llvmlite import ir
        from numba import types
        from numba.extending import models, register_model

        self.ir, self.types = ir, types
        self.word = ir.IntType(64)
        self.form = form = ir.VectorType(self.word, WIDTH)

        class Vector(types.Type):
            """Type of a vector."""

        @register_model(Vector)
        class _VectorModel(models.PrimitiveModel):
            def __init__(self, manager: Any, kind: Any) -> None:
                super().__init__(manager, kind, form)

        self.type, self.kind = Vector, Vector("vector")

    @cached_property
    def table(self) -> dict[Any, list[tuple[Any, Any, Any]]]:
        """By function: the types of its arguments, the type of the result, and what writes its code."""
        vector, kind, integer, array = self.type, self.kind, self.types.Integer, self.types.Array
        number, nothing = self.types.int64, self.types.none
        places = (array, array, integer, integer)
        return {
            vectors.load: [((array, integer), kind, self.load)],
            vectors.store: [((array, integer, vector), nothing, self.store)],
            vectors.gather: [(places, kind, self.gather)],
            vectors.scatter: [((*places, vector), nothing, self.scatter)],
            vectors.spread: [((integer,), kind, self.spread)],
            vectors.number_in: [((vector, integer), number, self.number_in)],
            vectors.largest: [((vector,), number, self.largest)],
            vectors.parity: [((vector,), kind, self.parity)],
            vectors.any_larger: [((vector, vector), self.types.boolean, self.any_larger)],
            vectors.where_positive: [((vector, vector, vector), kind, self.where_positive)],
            **{
                function: [
                    ((vector, vector), kind, self.chosen(order)),
                    ((integer, integer), number, self.chosen(order)),
                ]
                for function, order in ((vectors.larger, ">"), (vectors.smaller, "<"))
            },
            operator.add: [((vector, vector), kind, lambda _, builder, call, given: builder.add(*given))],
            operator.sub: [((vector, vector), kind, lambda _, builder, call, given: builder.sub(*given))],
        }

    def whole(self, context: Any, builder: Any, call: Any, given: Any, i: int) -> Any:
        """Argument number `i`, an integer of some type, as int64."""
        return context.cast(builder, given[i], call.args[i], self.types.int64)

    def at(self, i: int) -> Any:
        """The number `i`, as code."""
        return self.ir.IntType(32)(i)

    def data(self, context: Any, builder: Any, call: Any, given: Any, i: int) -> Any:
        """Pointer to the first element of the array that is argument number `i`."""
        return context.make_array(call.args[i])(context, builder, value=given[i]).data

    def row(self, context: Any, builder: Any, call: Any, given: Any, i: int = 0) -> Any:
        """Pointer to a row: of the array that is argument number `i`, by the argument behind it."""
        index = builder.mul(self.whole(context, builder, call, given, i + 1), self.word(WIDTH))
        first = builder.gep(self.data(context, builder, call, given, i), [index])
        return builder.bitcast(first, self.form.as_pointer())

    def load(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.load`; rows begin where numbers do, not where vectors would."""
        return builder.load(self.row(context, builder, call, given), align=8)

    def store(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.store`."""
        builder.store(given[2], self.row(context, builder, call, given), align=8)
        return context.get_dummy_value()

    def elements(self, context: Any, builder: Any, call: Any, given: Any) -> list[Any]:
        """Pointers to the elements that `vectors.gather` and `vectors.scatter` name."""
        places = builder.load(self.row(context, builder, call, given, 1), align=8)
        offset = self.whole(context, builder, call, given, 3)
        indices = (builder.add(builder.extract_element(places, self.at(i)), offset) for i in range(WIDTH))
        first = self.data(context, builder, call, given, 0)
        return [builder.gep(first, [index]) for index in indices]

    def gather(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.gather`."""
        vector = self.ir.Constant(self.form, self.ir.Undefined)
        for i, element in enumerate(self.elements(context, builder, call, given)):
            vector = builder.insert_element(vector, builder.load(element), self.at(i))
        return vector

    def scatter(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.scatter`."""
        for i, element in enumerate(self.elements(context, builder, call, given)):
            builder.store(builder.extract_element(given[4], self.at(i)), element)
        return context.get_dummy_value()

    def spread(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.spread`."""
        none = self.ir.Constant(self.form, self.ir.Undefined)
        first = builder.insert_element(none, self.whole(context, builder, call, given, 0), self.at(0))
        everywhere = self.ir.Constant(self.ir.VectorType(self.ir.IntType(32), WIDTH), [0] * WIDTH)
        return builder.shuffle_vector(first, none, everywhere)

    def number_in(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.number_in`."""
        return builder.extract_element(given[0], given[1])

    def largest(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.largest`."""
        from numba.core.cgutils import get_or_insert_function

        of_vector = self.ir.FunctionType(self.word, [self.form])
        name = f"llvm.vector.reduce.smax.v{WIDTH}i64"
        reduce = get_or_insert_function(builder.module, of_vector, name)
        return builder.call(reduce, given)

    def parity(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.parity`."""
        return builder.and_(given[0], self.ir.Constant(self.form, [1] * WIDTH))

    def any_larger(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.any_larger`."""
        bits = self.ir.IntType(WIDTH)
        return builder.icmp_unsigned("!=", builder.bitcast(builder.icmp_signed(">", *given), bits), bits(0))

    def where_positive(self, context: Any, builder: Any, call: Any, given: Any) -> Any:
        """Code of `vectors.where_positive`."""
        return builder.select(builder.icmp_signed(">", given[0], self.ir.Constant(self.form, [0] * WIDTH)), *given[1:])

    def chosen(self, order: str) -> Any:
        """What writes the code of `vectors.larger` and `vectors.smaller`, of vectors or of integers."""

        def write(context: Any, builder: Any, call: Any, given: Any) -> Any:
            if call.return_type == self.types.int64:
                given = [self.whole(context, builder, call, given, i) for i in range(len(given))]
            return builder.select(builder.icmp_signed(order, *given), *given)

        return write
