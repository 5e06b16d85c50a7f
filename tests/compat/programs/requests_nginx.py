"""requests against nginx: keep-alive, redirects, gzip, streams, uploads, timeouts."""

import os

import requests
from measure import REQUESTS, measured, payload

URL, VERIFY = os.environ["NGINX_URL"], True


def check(session, url):
    assert session.get(url + "/small").content == payload(200)
    assert session.get(url + "/large").content == payload(3_000_000)
    page = session.get(url + "/page.txt")
    assert page.headers["Content-Encoding"] == "gzip" and page.content == payload(100_000)
    moved = session.get(url + "/moved")
    assert moved.content == payload(200) and [r.status_code for r in moved.history] == [302]
    with session.get(url + "/large", stream=True) as answer:
        assert b"".join(answer.iter_content(7777)) == payload(3_000_000)
    assert session.get(url + "/nothing").status_code == 404
    for size in (0, 1, 3_000_000):
        name = f"{url}/put/requests"
        assert session.put(name, data=payload(size)).status_code in (201, 204)
        assert session.get(name).content == payload(size)
    session.put(name, data=(payload(1000) for _ in range(50)))  # chunked
    assert session.get(name).content == payload(1000) * 50
    try:
        session.get(url + "/slow", timeout=(5, 0.2))
    except requests.exceptions.RequestException as error:
        assert "timed out" in str(error), error
    else:
        raise AssertionError("no timeout")


def main(url=URL, verify=VERIFY):
    with requests.Session() as session:
        session.trust_env = False
        session.verify = verify
        check(session, url)
        small = payload(200)
        with measured():
            for _ in range(REQUESTS):
                answer = session.get(url + "/small", timeout=20)
                assert answer.content == small


if __name__ == "__main__":
    main()
