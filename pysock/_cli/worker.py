"""The process of one variant: it runs the rows that it is asked for."""

from .variants import VARIANTS

WARM = 1 << 20  # bytes


def serve(name):
    variant = VARIANTS[name]
    available = variant.enter()
    # Not at the top: `socket` is another one now, and a program would import these after it.
    from . import children, programs, threads

    # A server that has run for a while has a warm heap, see `bench.set_heap`.
    bytearray(WARM)

    def answer(number=None, seconds=0):
        return available if number is None else programs.ROWS[number].figures(seconds, here)

    with children.Child("clients", group=False) as clients:

        def drive(*arguments):
            return clients.ask(arguments)

        here = threads.Here(drive, variant.new_loop)
        children.answer(answer)
