"""urllib3's pool against nginx, plain and over TLS, from four threads."""

import os
import ssl
import threading

import urllib3
from measure import REQUESTS, measured, payload

URLS = [os.environ["NGINX_URL"], os.environ["NGINX_TLS_URL"]]
THREADS = 4


def check(pool, url):
    assert pool.request("GET", url + "/large").data == payload(3_000_000)
    answer = pool.request("GET", url + "/large", preload_content=False)
    assert b"".join(answer.stream(10_000)) == payload(3_000_000)
    answer.release_conn()
    assert pool.request("GET", url + "/page.txt").data == payload(100_000)
    pool.request("PUT", url + "/put/urllib3", body=payload(500_000))
    assert pool.request("GET", url + "/put/urllib3").data == payload(500_000)
    try:
        pool.request("GET", url + "/slow", timeout=0.2, retries=False)
    except urllib3.exceptions.ReadTimeoutError:
        pass
    else:
        raise AssertionError("no timeout")


def fetch(pool, url, requests, failures):
    for _ in range(requests):
        if pool.request("GET", url + "/small").data != payload(200):
            failures.append(url)


def main(measured_url=URLS[0]):
    context = ssl.create_default_context(cafile=os.environ["NGINX_CA"])
    with urllib3.PoolManager(ssl_context=context, maxsize=THREADS) as pool:
        for url in URLS:
            check(pool, url)
        failures, share = [], max(1, REQUESTS // THREADS)
        arguments = (pool, measured_url, share, failures)
        threads = [threading.Thread(target=fetch, args=arguments) for _ in range(THREADS)]
        with measured(share * THREADS):
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert not failures


if __name__ == "__main__":
    main()
