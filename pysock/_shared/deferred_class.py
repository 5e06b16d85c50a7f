"""A public class that is made when somebody uses it."""


class DeferredClass:
    """Stands in for a class that needs asyncio, as long as the program has not imported asyncio.

    The import of asyncio takes several times as long as pysock's own. A module could make the class
    in its `__getattr__`; but the interpreter then looks up every name of the module the slow way.
    This object can be called, derived from, and compared as the class. `isinstance` and
    `issubclass` take it for the class, too. The first use puts the class in its place.
    """

    def __init__(self, name, make):
        self._name = name
        self._make = make

    @property
    def __class__(self):
        return type

    def __call__(self, *arguments, **named):
        return self._make()(*arguments, **named)

    def __getattr__(self, name):
        return getattr(self._make(), name)

    def __mro_entries__(self, bases):
        return (self._make(),)

    def __instancecheck__(self, instance):
        return isinstance(instance, self._make())

    def __subclasscheck__(self, subclass):
        return issubclass(subclass, self._make())

    def __eq__(self, other):
        return self is other or self._make() == other

    def __hash__(self):
        return hash(self._make())

    def __repr__(self):
        return repr(self._make())

    def __reduce__(self):
        return self._name
