"""pika against RabbitMQ: bodies of many frames, confirms, acks, heartbeats, threads, its loop."""

import os
import socket
import threading
from functools import partial

import pika
from measure import REQUESTS, measured, payload
from pika.adapters.utils.connection_workflow import AMQPConnectorStackTimeout
from pika.exceptions import (
    AMQPConnectionError,
    NackError,
    ProbableAuthenticationError,
    UnroutableError,
)

WHERE = {
    "host": "127.0.0.1",
    "port": int(os.environ["RABBITMQ_PORT"]),
    "credentials": pika.PlainCredentials("compat", os.environ["RABBITMQ_PASSWORD"]),
    "socket_timeout": 20,
    "blocked_connection_timeout": 20,
}
BODIES = [payload(size) for size in (0, 1, 4096, 900_000)]  # the last is more than one frame


def connect(**options):
    return pika.BlockingConnection(pika.ConnectionParameters(**{**WHERE, **options}))


def new_queue(channel, **arguments):
    return channel.queue_declare("", exclusive=True, arguments=arguments).method.queue


def check(channel):
    queue = new_queue(channel)
    for body in BODIES:
        properties = pika.BasicProperties(headers={"word": "\u00e4", "size": len(body)})
        channel.basic_publish("", queue, body, properties)
        _, got, taken = channel.basic_get(queue, auto_ack=True)
        assert (taken, got.headers) == (body, properties.headers), len(body)
    assert channel.basic_get(queue) == (None, None, None)


def check_confirms(channel):
    channel.confirm_delivery()
    queue = new_queue(channel, **{"x-max-length": len(BODIES), "x-overflow": "reject-publish"})
    for body in BODIES:
        channel.basic_publish("", queue, body, mandatory=True)
    try:
        channel.basic_publish("", queue, b"one too many")
    except NackError:
        assert [channel.basic_get(queue)[2] for _ in BODIES] == BODIES
    else:
        raise AssertionError("a full queue took more")
    try:
        channel.basic_publish("", "no such queue", BODIES[-1], mandatory=True)
    except UnroutableError as error:
        assert [message.body for message in error.messages] == BODIES[-1:]
    else:
        raise AssertionError("routed to nowhere")


def check_consumer(connection, channel):
    queue = new_queue(channel)
    channel.basic_qos(prefetch_count=10)
    sent = [payload(number * 50) for number in range(200)]
    for body in sent:
        channel.basic_publish("", queue, body)
    taken = []
    for method, _, body in channel.consume(queue):
        if body == sent[7] and not method.redelivered:
            channel.basic_nack(method.delivery_tag)
            continue
        channel.basic_ack(method.delivery_tag)
        taken.append(body)
        if len(taken) == len(sent):
            break
    assert sorted(taken, key=len) == sent and channel.cancel() == 0
    assert channel.basic_get(queue) == (None, None, None)
    assert next(channel.consume(queue, inactivity_timeout=0.1)) == (None, None, None)
    # Another thread wakes the one that waits, by a pair of sockets of pika's.
    late = partial(channel.basic_publish, "", queue, b"late")
    timer = threading.Timer(0.05, connection.add_callback_threadsafe, [late])
    timer.start()
    assert next(channel.consume(queue, inactivity_timeout=20))[2] == b"late"
    timer.join()
    channel.cancel()


def check_timeouts():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        try:
            connect(port=silent.getsockname()[1], stack_timeout=0.5)
        except AMQPConnectorStackTimeout:
            pass
        else:
            raise AssertionError("connected to nothing")
    with connect(heartbeat=1) as beats:
        mute = connect(heartbeat=1)
        # Within this time one lives by its heartbeats, and the broker misses the other's.
        beats.process_data_events(time_limit=5)
        check(beats.channel())
        try:
            mute.channel()
        except AMQPConnectionError:
            assert mute.is_closed
        else:
            raise AssertionError("the broker did not miss a heartbeat")


def check_threads():
    failures = [None, None]

    def work(index):
        with connect() as connection:
            channel = connection.channel()
            queue = new_queue(channel)
            bodies = [payload(number * 70 + index) for number in range(200)]
            for body in bodies:
                channel.basic_publish("", queue, body)
            taken = [channel.basic_get(queue, auto_ack=True)[2] for _ in bodies]
            failures[index] = taken != bodies

    threads = [threading.Thread(target=work, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [False, False]


def check_loop():
    """Publishes, is confirmed and consumes by callbacks, on pika's own loop over epoll."""
    sent = [*BODIES, *(payload(number) for number in range(300))]
    unconfirmed, taken, ends = set(range(1, len(sent) + 1)), [], []

    def confirm(channel):
        declare = partial(
            channel.queue_declare, "", exclusive=True, callback=partial(publish, channel)
        )
        channel.confirm_delivery(partial(confirmed, channel), lambda _: declare())

    def publish(channel, declared):
        queue = declared.method.queue
        channel.basic_consume(queue, take)
        for body in sent:
            channel.basic_publish("", queue, body)

    def confirmed(channel, frame):
        assert isinstance(frame.method, pika.spec.Basic.Ack)
        tag = frame.method.delivery_tag
        first = min(unconfirmed) if frame.method.multiple else tag
        unconfirmed.difference_update(range(first, tag + 1))
        close_when_done(channel)

    def take(channel, method, properties, body):
        channel.basic_ack(method.delivery_tag)
        taken.append(body)
        close_when_done(channel)

    def close_when_done(channel):
        if not unconfirmed and len(taken) == len(sent):
            channel.connection.close()

    def end(connection, reason):
        ends.append(reason)
        connection.ioloop.stop()

    connection = pika.SelectConnection(
        pika.ConnectionParameters(**WHERE),
        on_open_callback=lambda opened: opened.channel(on_open_callback=confirm),
        on_open_error_callback=end,
        on_close_callback=end,
    )
    connection.ioloop.start()
    connection.ioloop.close()
    assert taken == sent and not unconfirmed, ends


def main():
    try:
        connect(credentials=pika.PlainCredentials("compat", "wrong"))
    except ProbableAuthenticationError:
        pass
    else:
        raise AssertionError("a wrong password was taken")
    check_timeouts()
    check_threads()
    check_loop()
    with connect() as connection:
        check(connection.channel())
        check_confirms(connection.channel())
        check_consumer(connection, connection.channel())
        channel = connection.channel()
        queue, value = new_queue(channel), payload(64)
        with measured():
            for _ in range(REQUESTS // 2):
                channel.basic_publish("", queue, value)
                assert channel.basic_get(queue, auto_ack=True)[2] == value


if __name__ == "__main__":
    main()
