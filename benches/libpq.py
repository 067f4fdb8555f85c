"""libpq, as far as benchmarks need it: prepared statements with typed values, the way the server sends them."""
import ctypes
import ctypes.util

_pq = ctypes.CDLL(ctypes.util.find_library("pq") or "libpq.so.5")
_pq.PQconnectdb.restype = _pq.PQprepare.restype = _pq.PQexecPrepared.restype = _pq.PQexec.restype = ctypes.c_void_p
_pq.PQgetvalue.restype = _pq.PQerrorMessage.restype = ctypes.c_char_p
for _name in ("PQstatus", "PQfinish", "PQerrorMessage", "PQclear", "PQresultStatus", "PQntuples", "PQnfields"):
    getattr(_pq, _name).argtypes = [ctypes.c_void_p]
_pq.PQgetvalue.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
_pq.PQexec.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
_pq.PQprepare.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
_pq.PQexecPrepared.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p,
                               ctypes.c_void_p, ctypes.c_int]

# Numbers of Postgres' own types, of their arrays first.
TYPES = {"uuid[]": 2951, "text[]": 1009, "int8[]": 1016, "int2[]": 1005, "bool[]": 1000, "bytea[]": 1001,
         "uuid": 2950, "text": 25, "int8": 20, "int2": 21}


def array(values):
    """An array as Postgres reads it. `bytes` become bytea."""
    def one(value):
        if value is None:
            return "NULL"
        if isinstance(value, bytes):
            return '"\\\\x' + value.hex() + '"'
        if isinstance(value, bool):
            return "t" if value else "f"
        return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "{" + ",".join(map(one, values)) + "}"


class Connection:
    def __init__(self, url):
        self.raw = _pq.PQconnectdb(url.encode())
        self.prepared = {}
        if _pq.PQstatus(self.raw):
            raise SystemExit(_pq.PQerrorMessage(self.raw).decode())

    def _done(self, result):
        status = _pq.PQresultStatus(result)
        if status not in (1, 2):
            _pq.PQclear(result)
            raise RuntimeError(_pq.PQerrorMessage(self.raw).decode().strip())
        return result

    def _rows(self, result):
        rows = [[_pq.PQgetvalue(result, row, column).decode() for column in range(_pq.PQnfields(result))]
                for row in range(_pq.PQntuples(result))]
        _pq.PQclear(result)
        return rows

    def run(self, sql):
        """Statements without values, in one message; the rows of the last."""
        return self._rows(self._done(_pq.PQexec(self.raw, sql.encode())))

    def send(self, sql, binds):
        """A statement with values, each (type, value), prepared once; the number of its rows."""
        types = tuple(kind for kind, _ in binds)
        name = self.prepared.get((sql, types))
        if name is None:
            name = self.prepared[sql, types] = f"s{len(self.prepared)}".encode()
            numbers = (ctypes.c_uint * len(types))(*(TYPES[kind] for kind in types))
            pieces = sql.split("?")
            numbered = "".join(f"{piece}${at}" for at, piece in enumerate(pieces[:-1], 1)) + pieces[-1]
            _pq.PQclear(self._done(_pq.PQprepare(self.raw, name, numbered.encode(), len(types), numbers)))
        values = [None if value is None else (array(value) if isinstance(value, (list, tuple)) else str(value)).encode()
                  for _, value in binds]
        texts = (ctypes.c_char_p * len(values))(*values)
        return self._done(_pq.PQexecPrepared(self.raw, name, len(values), texts, None, None, 1))

    def close(self):
        _pq.PQfinish(self.raw)


def rows_of(result):
    """How many rows a result has; it is freed."""
    count = _pq.PQntuples(result)
    _pq.PQclear(result)
    return count
