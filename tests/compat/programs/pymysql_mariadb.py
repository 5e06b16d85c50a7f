"""PyMySQL against MariaDB: types, packets beyond 16 MB, LOAD DATA, streams of rows, TLS."""

import os
import tempfile

import pymysql
import pymysql.cursors
from measure import REQUESTS, measured, payload

WHERE = {
    "user": "compat",
    "password": os.environ["MARIADB_PASSWORD"],
    "host": "127.0.0.1",
    "port": int(os.environ["MARIADB_PORT"]),
    "database": "compat",
    "charset": "utf8mb4",
    "connect_timeout": 20,
    "read_timeout": 60,
    "write_timeout": 60,
}


def rows_of(db, query, *values):
    with db.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()


def check(db):
    for size in (0, 1, 1000, 1_000_000, 17_000_000):  # the last is more than one packet
        value = payload(size)
        assert rows_of(db, "SELECT _binary %s", value) == ((value,),)
    rows_of(db, "CREATE TEMPORARY TABLE numbers (n integer, word text)")
    with tempfile.NamedTemporaryFile() as file:
        file.writelines(b"%d\tword \xc3\xa4 %d\n" % (number, number) for number in range(20_000))
        file.flush()
        rows_of(db, "LOAD DATA LOCAL INFILE %s INTO TABLE numbers", file.name)
    with pymysql.cursors.SSCursor(db) as stream:
        stream.execute("SELECT n, word FROM numbers ORDER BY n")
        assert list(stream) == [(number, f"word \u00e4 {number}") for number in range(20_000)]
    try:
        rows_of(db, "SELECT no_such_column")
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1054
    else:
        raise AssertionError("selected nothing")
    rows_of(db, "DELETE FROM numbers")
    db.commit()
    with db.cursor() as cursor:
        cursor.executemany("INSERT INTO numbers VALUES (%s, %s)", [(n, "x") for n in range(100)])
    db.rollback()
    assert rows_of(db, "SELECT count(*) FROM numbers") == ((0,),)
    db.ping()


def check_reading_times_out():
    with pymysql.connect(**{**WHERE, "read_timeout": 1}) as db:
        try:
            rows_of(db, "SELECT sleep(5)")
        except pymysql.err.OperationalError as error:
            assert error.args[0] == 2013 and "timed out" in str(error)
        else:
            raise AssertionError("slept")


def main():
    try:
        pymysql.connect(**{**WHERE, "password": "wrong"})
    except pymysql.err.OperationalError as error:
        assert error.args[0] == 1045
    else:
        raise AssertionError("a wrong password was taken")
    check_reading_times_out()
    with pymysql.connect(**WHERE, local_infile=True, ssl={"ca": os.environ["MARIADB_CA"]}) as db:
        assert rows_of(db, "SHOW STATUS LIKE 'Ssl_cipher'")[0][1]
        check(db)
    with pymysql.connect(**WHERE, local_infile=True, ssl_disabled=True) as db:
        check(db)
        with measured(), db.cursor() as cursor:
            for number in range(REQUESTS):
                cursor.execute("SELECT %s, %s", (number, "word"))
                assert cursor.fetchall() == ((number, "word"),)


if __name__ == "__main__":
    main()
