"""pg8000 against PostgreSQL: SCRAM, types, binary values, COPY, transactions, notifications."""

import os
from io import BytesIO

import pg8000.dbapi
import pg8000.native
from measure import REQUESTS, measured, payload

WHERE = {
    "user": "compat",
    "password": os.environ["POSTGRES_PASSWORD"],
    "host": "127.0.0.1",
    "port": int(os.environ["POSTGRES_PORT"]),
    "database": "postgres",
    "timeout": 20,
}


def check(db):
    for size in (0, 1, 1000, 1_000_000):
        assert db.run("SELECT :value ::bytea", value=payload(size)) == [[payload(size)]]
    db.run("CREATE TEMPORARY TABLE numbers (n integer, word text)")
    lines = b"".join(b"%d\tword \xc3\xa4 %d\n" % (number, number) for number in range(20_000))
    db.run("COPY numbers FROM STDIN", stream=BytesIO(lines))
    rows = db.run("SELECT n, word FROM numbers ORDER BY n")
    assert rows == [[number, f"word \u00e4 {number}"] for number in range(20_000)]
    out = BytesIO()
    db.run("COPY (SELECT * FROM numbers ORDER BY n) TO STDOUT", stream=out)
    assert out.getvalue() == lines
    try:
        db.run("SELECT 1 / 0")
    except pg8000.native.DatabaseError as error:
        assert error.args[0]["C"] == "22012"
    else:
        raise AssertionError("divided by zero")
    assert db.run("SELECT 1") == [[1]]
    db.run("LISTEN news")
    db.run("NOTIFY news, 'paper'")
    db.run("SELECT 1")
    assert [n[1:] for n in db.notifications] == [("news", "paper")]


def check_dbapi():
    with pg8000.dbapi.connect(**WHERE) as connection:
        cursor = connection.cursor()
        cursor.execute("CREATE TEMPORARY TABLE kept (n integer)")
        connection.commit()
        cursor.executemany("INSERT INTO kept VALUES (%s)", [(number,) for number in range(100)])
        connection.rollback()
        cursor.execute("SELECT count(*) FROM kept")
        assert list(cursor.fetchone()) == [0]


def main():
    try:
        pg8000.native.Connection(**{**WHERE, "password": "wrong"})
    except pg8000.native.DatabaseError as error:
        assert error.args[0]["C"] == "28P01"
    else:
        raise AssertionError("a wrong password was taken")
    check_dbapi()
    with pg8000.native.Connection(**WHERE) as db:
        check(db)
        statement = db.prepare("SELECT :number ::integer, :word ::text")
        with measured():
            for number in range(REQUESTS):
                assert statement.run(number=number, word="word") == [[number, "word"]]


if __name__ == "__main__":
    main()
