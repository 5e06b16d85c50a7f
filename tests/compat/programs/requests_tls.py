"""requests against nginx over TLS, the certificate verified."""

import os

import requests
from requests_nginx import main

if __name__ == "__main__":
    url = os.environ["NGINX_TLS_URL"]
    try:
        requests.get(url + "/small")
    except requests.exceptions.SSLError:
        pass
    else:
        raise AssertionError("an unknown certificate was taken")
    main(url, os.environ["NGINX_CA"])
