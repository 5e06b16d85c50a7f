/* csrc driven by several threads at once, for ThreadSanitizer: one listener, one datagram socket
 * and one stream shared by all of them, everything else a thread's own. Prints "ok". */
#include "ps_addr.h"
#include "ps_batch.h"
#include "ps_cmsg.h"
#include "ps_io.h"
#include "ps_meta.h"
#include "ps_probe.h"
#include "ps_socket.h"
#include "ps_wait.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { THREADS = 4, ROUNDS = 300, SIZE = 64 };

static int listener, datagrams, stream[2];
static ps_sockaddr listener_name, datagrams_name;

static void must(int right, const char *what) {
    if (!right) {
        perror(what);
        abort();
    }
}

static int64_t soon(void) {
    return ps_clock() + INT64_C(5000000000);
}

static void accept_and_answer(void) {
    ps_sockaddr peer;
    char text[PS_HOST_TEXT];
    char buf[SIZE];
    ps_io io = {.buf = buf, .len = sizeof buf};
    must(ps_wait(listener, POLLIN, soon()) == 1, "wait for a connection");
    ps_io accepting = {.name = &peer};
    int fd = (int)ps_accept(listener, &accepting, 0);
    must(fd >= 0 && ps_addr_host(&peer, text) > 0, "accept");
    must(ps_wait(fd, POLLIN, soon()) == 1 && ps_recv(fd, &io, 0) == SIZE, "receive");
    must(ps_send(fd, &io, 0) == SIZE && ps_close(fd) == 0, "answer");
}

static void connect_and_ask(void) {
    char buf[SIZE] = "question";
    struct iovec iov[2] = {{buf, 10}, {buf + 10, SIZE - 10}};
    struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
    ps_io io = {.msg = &msg, .len = SIZE};
    int fd = ps_socket(AF_INET, SOCK_STREAM, 0);
    must(fd >= 0 && ps_connect(fd, &listener_name, sizeof listener_name.in) == 0, "connect");
    must(ps_sendmsg(fd, &io, 0) == SIZE, "ask");
    ps_io answer = {.buf = buf, .len = sizeof buf};
    while (answer.len > 0) {
        must(ps_wait(fd, POLLIN, soon()) == 1, "wait for the answer");
        ssize_t n = ps_recv(fd, &answer, 0);
        must(n > 0, "answer");
        ps_io_advance(&answer, (size_t)n);
    }
    must(ps_close(fd) == 0, "close");
}

static void exchange_datagrams(ps_inbox *inbox, char *arena) {
    char buf[SIZE * 8] = "datagrams";
    ps_piece piece = {.data = buf,
                      .len = sizeof buf,
                      .segment = SIZE,
                      .name = &datagrams_name,
                      .namelen = sizeof datagrams_name.in};
    static __thread ps_outbox outbox;
    ps_outbox_init(&outbox, &datagrams, &piece, 1, (size_t)ps_probe_gso_segments());
    ps_io out = {.buf = &outbox};
    must(ps_send_batch(datagrams, &out, MSG_DONTWAIT) != 0, "send");
    must(ps_inbox_lay(inbox, arena, inbox->slots * SIZE, SIZE) == 0, "lay");
    ps_io in = {.buf = inbox};
    ssize_t came = ps_recv_batch(datagrams, &in, MSG_DONTWAIT);
    for (ssize_t i = 0; i < came; i++) {
        ps_arrival arrival;
        ps_meta meta;
        must(ps_inbox_arrival(inbox, (size_t)i, &arrival) == 0, "arrival");
        ps_meta_parse(&meta, &inbox->headers[i].msg_hdr);
    }
}

static void *work(void *argument) {
    intptr_t number = (intptr_t)argument;
    ps_inbox inbox;
    char *arena = malloc((size_t)16 * SIZE);
    char byte = 'x';
    must(arena != NULL && ps_inbox_init(&inbox, 16) == 0, "inbox");
    for (int i = 0; i < ROUNDS; i++) {
        if (number % 2 == 0) {
            accept_and_answer();
        } else {
            connect_and_ask();
        }
        exchange_datagrams(&inbox, arena);
        ps_io one = {.buf = &byte, .len = 1};
        ps_send(stream[0], &one, MSG_DONTWAIT);
        ps_recv(stream[1], &one, MSG_DONTWAIT);
    }
    ps_inbox_free(&inbox);
    free(arena);
    return NULL;
}

int main(void) {
    pthread_t threads[THREADS];
    socklen_t len;
    must(ps_addr_pack_inet(&listener_name, "127.0.0.1", 0) > 0, "pack");
    datagrams_name = listener_name;
    listener = ps_socket(AF_INET, SOCK_STREAM, 0);
    datagrams = ps_socket(AF_INET, SOCK_DGRAM, 0);
    must(ps_bind(listener, &listener_name, sizeof listener_name.in) == 0, "bind");
    must(ps_bind(datagrams, &datagrams_name, sizeof datagrams_name.in) == 0, "bind");
    must(ps_listen(listener, 128) == 0 && ps_socketpair(AF_UNIX, SOCK_STREAM, 0, stream) == 0,
         "listen");
    must(ps_getsockname(listener, &listener_name, &len) == 0, "name");
    must(ps_getsockname(datagrams, &datagrams_name, &len) == 0, "name");
    for (intptr_t i = 0; i < THREADS; i++) {
        must(pthread_create(&threads[i], NULL, work, (void *)i) == 0, "thread");
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    puts("ok");
    return 0;
}
