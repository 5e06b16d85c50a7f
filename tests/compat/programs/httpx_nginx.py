"""httpx against nginx, plain and over TLS, its blocking client and its asyncio one."""

import asyncio
import os
import ssl

import httpx
from measure import REQUESTS, measured, payload

URL, TLS_URL = os.environ["NGINX_URL"], os.environ["NGINX_TLS_URL"]


def check(client, url):
    assert client.get(url + "/large").content == payload(3_000_000)
    with client.stream("GET", url + "/large") as answer:
        assert b"".join(answer.iter_bytes(9999)) == payload(3_000_000)
    assert client.get(url + "/page.txt").content == payload(100_000)
    assert client.get(url + "/moved", follow_redirects=True).content == payload(200)
    client.put(url + "/put/httpx", content=payload(300_000))
    assert client.get(url + "/put/httpx").content == payload(300_000)
    try:
        client.get(url + "/slow", timeout=0.2)
    except httpx.ReadTimeout:
        pass
    else:
        raise AssertionError("no timeout")


async def check_async(context):
    async with httpx.AsyncClient(verify=context, trust_env=False) as client:
        for url in (URL, TLS_URL):
            answers = await asyncio.gather(*(client.get(url + "/page.txt") for _ in range(20)))
            assert all(answer.content == payload(100_000) for answer in answers)
            assert (await client.get(url + "/large")).content == payload(3_000_000)


def main():
    context = ssl.create_default_context(cafile=os.environ["NGINX_CA"])
    asyncio.run(check_async(context))
    with httpx.Client(verify=context, trust_env=False) as client:
        for url in (URL, TLS_URL):
            check(client, url)
        small = payload(200)
        with measured():
            for _ in range(REQUESTS):
                assert client.get(URL + "/small").content == small


if __name__ == "__main__":
    main()
