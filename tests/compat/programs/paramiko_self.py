"""paramiko's client against its own server: host key, password, exec, a large echo, SFTP."""

import os
import socket
import tempfile
import threading

import paramiko
from measure import REQUESTS, measured, payload

KEY = paramiko.RSAKey.generate(2048)


class Handle(paramiko.SFTPHandle):
    def stat(self):
        return paramiko.SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))


class Files(paramiko.SFTPServerInterface):
    def __init__(self, server, root):
        self.root = root

    def open(self, path, flags, attributes):
        descriptor = os.open(self.root + self.canonicalize(path), flags, 0o600)
        handle = Handle(flags)
        handle.readfile = handle.writefile = os.fdopen(descriptor, "w+b")
        return handle

    def stat(self, path):
        return paramiko.SFTPAttributes.from_stat(os.stat(self.root + self.canonicalize(path)))


class Rules(paramiko.ServerInterface):
    def check_auth_password(self, name, password):
        right = (name, password) == ("me", "secret")
        return paramiko.AUTH_SUCCESSFUL if right else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, number):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel, command):
        threading.Thread(target=execute, args=(channel, command), daemon=True).start()
        return True


def execute(channel, command):
    """Echo what comes until it ends, then the command's own words."""
    while data := channel.recv(32_768):
        channel.sendall(data)
    channel.sendall(command)
    channel.send_exit_status(7)
    channel.close()


def serve(listener, root):
    while True:
        try:
            sock, _ = listener.accept()
        except OSError:
            return
        transport = paramiko.Transport(sock)
        transport.add_server_key(KEY)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, Files, root)
        transport.start_server(server=Rules())


def connect(port, password):
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[127.0.0.1]:{port}", KEY.get_name(), KEY)
    options = {"look_for_keys": False, "allow_agent": False, "timeout": 20}
    client.connect("127.0.0.1", port, "me", password, **options)
    return client


def check(client):
    channel = client.get_transport().open_session()
    channel.exec_command("the command")
    sent, got = payload(1_000_000), bytearray()
    sender = threading.Thread(target=lambda: (channel.sendall(sent), channel.shutdown_write()))
    sender.start()
    while data := channel.recv(65_536):
        got += data
    sender.join()
    assert got == sent + b"the command" and channel.recv_exit_status() == 7
    with client.open_sftp() as sftp:
        with sftp.open("/file", "wb") as file:
            file.write(payload(300_000))
        assert sftp.stat("/file").st_size == 300_000
        with sftp.open("/file", "rb") as file:
            assert file.read() == payload(300_000)


def main():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        tempfile.TemporaryDirectory() as root,
    ):
        threading.Thread(target=serve, args=(listener, root), daemon=True).start()
        port = listener.getsockname()[1]
        try:
            connect(port, "wrong")
        except paramiko.AuthenticationException:
            pass
        else:
            raise AssertionError("a wrong password was taken")
        with connect(port, "secret") as client:
            check(client)
            channel = client.get_transport().open_session()
            channel.exec_command("echo")
            message = payload(64)
            with measured():
                for _ in range(REQUESTS):
                    channel.sendall(message)
                    assert channel.recv(64) == message
            channel.close()
        listener.shutdown(socket.SHUT_RDWR)


if __name__ == "__main__":
    main()
