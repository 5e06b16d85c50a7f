"""aiosmtpd's server and smtplib: dots, long lines, a mail of 1 MB, recipients refused."""

import smtplib
import socket
import threading

from aiosmtpd.controller import Controller
from measure import REQUESTS, measured, payload


class Keep:
    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


def check(smtp, mails):
    lines = [b"Subject: dots", b"", b".", b"..", b". .", b"", bytes(range(32, 127))]
    lines += [payload(900)] * 1100
    mail = b"\r\n".join(lines) + b"\r\n"
    refused = smtp.sendmail("a@x.test", ["b@x.test", "nobody@x.test", "c@x.test"], mail)
    assert refused == {"nobody@x.test": (550, b"no such user")}
    assert mails.pop() == ("a@x.test", ["b@x.test", "c@x.test"], mail)
    try:
        smtp.sendmail("a@x.test", ["nobody@x.test"], mail)
    except smtplib.SMTPRecipientsRefused:
        assert not mails
    else:
        raise AssertionError("nobody was served")
    assert smtp.noop()[0] == 250


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def main():
    keep = Keep()
    controller = Controller(keep, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        with smtplib.SMTP(controller.hostname, controller.port, timeout=20) as smtp:
            check(smtp, keep.mails)
            mail = b"Subject: small\r\n\r\n" + payload(900) + b"\r\n"
            with measured():
                for _ in range(REQUESTS):
                    smtp.sendmail("a@x.test", ["b@x.test"], mail)
                    assert keep.mails.pop()[2] == mail
    finally:
        controller.stop()
    assert threading.active_count() == 1


if __name__ == "__main__":
    main()
