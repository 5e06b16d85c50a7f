"""Objects that export a buffer, in every way that there is, and some that refuse or export none.

`SENT` are for the calls that send, `FILLED` for those that fill a buffer: pairs of a name and a
function that makes a new object.
"""

import array
import codecs
import ctypes
import mmap
import os
import sys
import warnings

# numpy would start a thread for each processor, which a test that forks should not have.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
try:
    import numpy
except ImportError:
    if os.environ.get("CI"):
        raise  # it is a dependency of the tests
    numpy = None


def size_of(exporter):
    """The number of bytes that *exporter* has for a call that asks for a simple buffer."""
    return len(content(exporter))


def content(exporter):
    return codecs.readbuffer_encode(exporter)[0]


def released():
    view = memoryview(bytearray(4))
    view.release()
    return view


def array_of(code):
    with warnings.catch_warnings():  # "u" is deprecated
        warnings.simplefilter("ignore")
        return array.array(code, "ab" if code in "uw" else [1, 2, 3])


def mapping(access=mmap.ACCESS_WRITE):
    return mmap.mmap(-1, 16, access=access)


def closed_mapping():
    memory = mapping()
    memory.close()
    return memory


class Pair(ctypes.Structure):
    _fields_ = [("byte", ctypes.c_uint8), ("number", ctypes.c_int32)]


class Swapped(ctypes.BigEndianStructure):
    _fields_ = [("number", ctypes.c_int32)]


class Either(ctypes.Union):
    _fields_ = [("bytes", ctypes.c_char * 3), ("number", ctypes.c_int16)]


class Bytes(bytes):
    pass


class Bytearray(bytearray):
    pass


class Exporting:
    """A class whose `__buffer__` (Python 3.12 on) returns *memory*, or raises it."""

    def __init__(self, memory):
        self.memory = memory

    def __buffer__(self, flags):
        if isinstance(self.memory, BaseException):
            raise self.memory
        return memoryview(self.memory)


class Formless(Exporting):
    """It has bytes, but no format for them, as numpy's datetime64."""

    def __buffer__(self, flags):
        if flags & 4:  # PyBUF_FORMAT
            raise BufferError("no format")
        return memoryview(self.memory)


class OnlyIfAsked(Exporting):
    """It gives memory that can be written to only to a call that asks for it."""

    def __buffer__(self, flags):
        view = memoryview(self.memory)
        return view if flags & 1 else view.toreadonly()  # PyBUF_WRITABLE


class OnlyToBeRead(Exporting):
    """It says that its memory can be written to, and refuses a call that asks for that alone."""

    def __buffer__(self, flags):
        if flags & 1:
            raise BufferError("only to be read")
        return memoryview(self.memory)


def _views():
    for character in "bBhHiIlLqQnNfdcP?":
        yield (
            f"memoryview of {character}",
            lambda c=character: memoryview(bytearray(range(16))).cast(c),
        )
    yield "memoryview of @i", lambda: memoryview(bytearray(16)).cast("@i")
    yield "memoryview of float", lambda: memoryview(array.array("f", [1, 2]))
    yield "memoryview of a structure", lambda: memoryview(Pair(1, 2))
    yield "2-D memoryview", lambda: memoryview(bytearray(range(8))).cast("B", (2, 4))
    yield "3-D memoryview", lambda: memoryview(bytearray(range(64))).cast("i", (2, 4, 2))
    yield "0-D memoryview", lambda: memoryview(ctypes.c_int32(5))
    yield "0-D memoryview by cast", lambda: memoryview(bytearray(8)).cast("q", ())
    yield "empty memoryview", lambda: memoryview(bytearray())
    yield "zero in the shape", lambda: memoryview((ctypes.c_int32 * 0 * 2)())
    yield "zero first in the shape", lambda: memoryview((ctypes.c_int32 * 2 * 0)())
    yield "slice", lambda: memoryview(bytearray(range(16)))[3:9]
    yield "slice of 2-D", lambda: memoryview(bytearray(range(16))).cast("B", (4, 4))[1:3]
    yield "strided", lambda: memoryview(bytearray(9))[::2]
    yield "strided of one", lambda: memoryview(bytearray(9))[:1:2]
    yield "strided of none", lambda: memoryview(bytearray(9))[9::2]
    yield "backwards", lambda: memoryview(bytearray(9))[::-1]
    yield "strided 2-D", lambda: memoryview(bytearray(16)).cast("B", (4, 4))[::2]
    yield "read-only memoryview", lambda: memoryview(bytearray(9)).toreadonly()
    yield "memoryview of bytes", lambda: memoryview(b"abc")
    yield "read-only strided memoryview", lambda: memoryview(b"abcdef")[::2]
    yield "released memoryview", released


def _library():
    yield "bytes", lambda: b"abc"
    yield "no bytes", lambda: b""
    yield "subclass of bytes", lambda: Bytes(b"abc")
    yield "bytearray", lambda: bytearray(b"abc")
    yield "empty bytearray", bytearray
    yield "subclass of bytearray", lambda: Bytearray(b"abc")
    for code in array.typecodes:
        yield f"array of {code}", lambda code=code: array_of(code)
    yield "empty array", lambda: array.array("d")
    for kind in (ctypes.c_bool, ctypes.c_char, ctypes.c_int16, ctypes.c_double, ctypes.c_void_p):
        yield kind.__name__, kind
        yield f"array of {kind.__name__}", kind * 3
    yield "2-D ctypes array", ctypes.c_int32 * 2 * 3
    yield "empty ctypes array", ctypes.c_int32 * 0
    yield "structure", lambda: Pair(1, 2)
    yield "big-endian structure", lambda: Swapped(1)
    yield "array of structures", Pair * 3
    yield "union", Either
    yield "mmap", mapping
    yield "read-only mmap", lambda: mapping(mmap.ACCESS_READ)
    yield "copy-on-write mmap", lambda: mapping(mmap.ACCESS_COPY)
    yield "closed mmap", closed_mapping


def _no_exporters():
    values = ["text", "", None, 5, 1.5, True, [], [b"abc"], (b"abc",), {}, range(3), ..., object()]
    for value in values:
        yield f"{type(value).__name__} {value!r:.12}", lambda value=value: value
    yield "class", lambda: bytes
    yield "function", lambda: len
    yield "iterator", lambda: iter(b"abc")


def _classes():
    if sys.version_info < (3, 12):
        return
    yield "class", lambda: Exporting(bytearray(range(8)))
    yield "class that is read-only", lambda: Exporting(b"abc")
    yield "class with floats", lambda: Exporting(array.array("d", [1, 2]))
    yield "strided class", lambda: Exporting(memoryview(bytearray(9))[::2])
    yield "class with no format", lambda: Formless(bytearray(range(8)))
    yield "class with no format, read-only", lambda: Formless(b"abc")
    yield "class, writable if asked", lambda: OnlyIfAsked(bytearray(range(8)))
    yield "class, not writable if asked", lambda: OnlyToBeRead(bytearray(range(8)))
    errors = [ValueError("no"), TypeError("no"), BufferError("no"), OSError(9, "no"), MemoryError()]
    for error in [*errors, KeyboardInterrupt()]:
        yield f"class that raises {type(error).__name__}", lambda error=error: Exporting(error)


def _of_numpy(objects):
    """Of numpy; *objects* are those whose memory has pointers to objects."""
    if numpy is None:
        return
    for kind in sorted(set(numpy.sctypeDict.values()), key=lambda kind: numpy.dtype(kind).str):
        dtype = numpy.dtype(kind) if numpy.dtype(kind).itemsize else numpy.dtype((kind, 3))
        if not dtype.hasobject or objects:
            yield f"numpy {dtype.str}", lambda dtype=dtype: numpy.zeros(3, dtype)
    unusual = [">i4", ">f8", "M8[ns]", "m8[us]", "i4,f8", "i1,M8[s]", "(2,3)f4", "S5,U5", "V7"]
    for dtype in unusual:
        yield f"numpy {dtype}", lambda dtype=dtype: numpy.zeros(3, dtype)
    for dtype in ("f8", "M8[s]", "i4,M8[s]"):
        for name, make in (
            ("2-D", lambda dtype: numpy.zeros((3, 4), dtype)),
            ("0-dimensional", lambda dtype: numpy.zeros((), dtype)),
            ("Fortran", lambda dtype: numpy.zeros((3, 4), dtype, order="F")),
            ("1-D Fortran", lambda dtype: numpy.zeros(4, dtype, order="F")),
            ("transposed", lambda dtype: numpy.zeros((3, 4), dtype).T),
            ("strided", lambda dtype: numpy.zeros(6, dtype)[::2]),
            ("backwards", lambda dtype: numpy.zeros(6, dtype)[::-1]),
            ("slice of", lambda dtype: numpy.zeros(6, dtype)[2:5]),
            ("empty", lambda dtype: numpy.zeros(0, dtype)),
            ("zero in the shape of", lambda dtype: numpy.zeros((2, 0, 3), dtype)),
            ("broadcast", lambda dtype: numpy.broadcast_to(numpy.zeros(1, dtype), 3)),
            ("read-only", read_only),
        ):
            yield f"{name} numpy {dtype}", lambda make=make, dtype=dtype: make(dtype)
    yield "numpy float64 scalar", lambda: numpy.float64(1.5)
    yield "numpy datetime64 scalar", lambda: numpy.datetime64(5, "s")
    yield "numpy recarray", lambda: numpy.zeros(3, "i4,f8").view(numpy.recarray)
    yield "numpy memmap", lambda: numpy.frombuffer(mapping(), "f8")


def read_only(dtype):
    array = numpy.zeros(4, dtype)
    array.flags.writeable = False
    return array


_OTHERS = [*_library(), *_views(), *_classes(), *_no_exporters()]
SENT = [*_OTHERS, *_of_numpy(objects=True)]
FILLED = [*_OTHERS, *_of_numpy(objects=False)]
