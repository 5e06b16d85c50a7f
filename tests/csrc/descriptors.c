/* csrc's handling of descriptors by itself, under the sanitizers: test_csrc.py. */
#include "ps_cmsg.h"
#include "ps_io.h"
#include "ps_socket.h"
#include "ps_splice.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { MUCH = 2000000, MANY = 300 };

static char memory[PS_SPLICE_ROOM];
static char inside[PS_SPLICE_ROOM + PS_SPLICE_PIPE];
static unsigned char sent[MUCH], came[MUCH];

static int is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

static int next_descriptor(void) {
    int fd = dup(0);
    close(fd);
    return fd;
}

/* A control buffer as recvmsg(2) leaves it, with count new descriptors of some type. */
static size_t put(char *control, size_t size, size_t used, int type, int *fds, size_t count) {
    for (size_t i = 0; i < count; i++) {
        fds[i] = dup(0);
    }
    ps_cmsg item = {.level = SOL_SOCKET, .type = type, .data = fds, .len = count * sizeof(int)};
    CHECK(ps_cmsg_put(control, size, &used, &item) == 0);
    return used;
}

static void rights(void) {
    ps_rights_room room;
    int first[3], pid[1], second[4], got[5];
    size_t used = 0;
    int before = next_descriptor();
    used = put(room.bytes, sizeof room, used, SCM_RIGHTS, first, 3);
    used = put(room.bytes, sizeof room, used, SCM_PIDFD, pid, 1);
    used = put(room.bytes, sizeof room, used, SCM_RIGHTS, second, 4);
    struct msghdr msg = {.msg_control = room.bytes, .msg_controllen = used};
    CHECK(ps_cmsg_take_rights(&msg, got, 5) == 7);
    CHECK(memcmp(got, first, sizeof first) == 0 && memcmp(got + 3, second, 8) == 0);
    CHECK(!is_open(pid[0]) && !is_open(second[2]) && !is_open(second[3]));
    for (int i = 0; i < 5; i++) {
        CHECK(is_open(got[i]) && close(got[i]) == 0);
    }
    /* A header that claims more than there is, as where the kernel cut it. */
    for (size_t cut = CMSG_LEN(0); cut <= CMSG_LEN(12); cut++) {
        memset(&room, 0, sizeof room);
        put(room.bytes, sizeof room, 0, SCM_RIGHTS, first, 3);
        char *exact = malloc(cut);
        CHECK(exact != NULL);
        memcpy(exact, room.bytes, cut);
        msg = (struct msghdr){.msg_control = exact, .msg_controllen = cut};
        size_t whole = (cut - CMSG_LEN(0)) / sizeof(int);
        CHECK(ps_cmsg_take_rights(&msg, NULL, 0) == whole);
        for (size_t i = 0; i < 3; i++) {
            CHECK(is_open(first[i]) == (i >= whole));
            close(first[i]);
        }
        free(exact);
    }
    /* An error's number instead of a pidfd. */
    int wrong = -3;
    ps_cmsg item = {.level = SOL_SOCKET, .type = SCM_PIDFD, .data = &wrong, .len = sizeof wrong};
    used = 0;
    CHECK(ps_cmsg_put(room.bytes, sizeof room, &used, &item) == 0);
    msg = (struct msghdr){.msg_control = room.bytes, .msg_controllen = used};
    CHECK(ps_cmsg_take_rights(&msg, got, 5) == 0);
    CHECK(next_descriptor() == before);
}

static void peers(void) {
    int fds[2];
    ps_peer peer;
    CHECK(ps_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    CHECK(ps_peercred(fds[0], &peer) == 0 && peer.pid == getpid() && peer.uid == getuid());
    close(fds[0]);
    close(fds[1]);
    CHECK(ps_peercred(fds[0], &peer) == -EBADF);
}

/* Move all of sent from one pair of descriptors to the other, each step of them one system call,
 * and taken out of the middle now and then. */
static void move(const int from[2], const int to[2], int timed, int drains) {
    ps_splice s;
    size_t in = 0, out = 0;
    ssize_t n;
    int idle = 0;
    CHECK(ps_splice_init(&s, &from[1], &to[0], INT64_MAX, timed, memory) == 0);
    while (out < MUCH) {
        CHECK(idle++ < MANY);
        n = in < MUCH ? write(from[0], sent + in, MUCH - in) : -1;
        in += n > 0 ? (size_t)n : 0;
        n = ps_splice_steps(&s, INT64_MAX, 1);
        if (n == -EAGAIN) {
            s.source.ready = s.target.ready = 1; /* or so it seems */
        } else {
            CHECK(n > 0);
            idle = 0;
        }
        if (drains && rand() % 5 == 0) {
            size_t size = ps_splice_inside(&s);
            CHECK(size <= sizeof inside && ps_splice_drain(&s, inside) == 0);
            CHECK(ps_splice_inside(&s) == 0);
            /* What is in to[0] comes before it. */
            while (out < (size_t)s.moved) {
                n = read(to[1], came + out, (size_t)s.moved - out);
                CHECK(n > 0);
                out += (size_t)n;
            }
            memcpy(came + out, inside, size);
            out += size;
            s.moved += (int64_t)size;
        }
        if (rand() % 3 == 0) {
            n = read(to[1], came + out, MUCH - out);
            out += n > 0 ? (size_t)n : 0;
        }
    }
    CHECK(s.moved == MUCH && memcmp(sent, came, MUCH) == 0);
    shutdown(from[0], SHUT_WR);
    ps_splice_close(&s);
}

static void open_pair(int fds[2], int is_pipe) {
    if (is_pipe) {
        int ends[2];
        CHECK(pipe(ends) == 0);
        fds[0] = ends[1];
        fds[1] = ends[0];
    } else {
        CHECK(ps_socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    }
    CHECK(fcntl(fds[0], F_SETFL, fcntl(fds[0], F_GETFL) | O_NONBLOCK) == 0);
    CHECK(fcntl(fds[1], F_SETFL, fcntl(fds[1], F_GETFL) | O_NONBLOCK) == 0);
}

static void splices(void) {
    for (int kinds = 0; kinds < 16; kinds++) {
        int from[2], to[2];
        open_pair(from, kinds & 1);
        open_pair(to, kinds & 2);
        move(from, to, kinds & 4, kinds & 8);
        close(from[0]);
        close(from[1]);
        close(to[0]);
        close(to[1]);
    }
}

/* A file that is open for appending: the kernel does not splice into it. */
static void append(void) {
    char path[] = "/tmp/ps_splice_XXXXXX";
    int from[2];
    int file = mkstemp(path);
    CHECK(file >= 0 && unlink(path) == 0 && fcntl(file, F_SETFL, O_APPEND) == 0);
    open_pair(from, 0);
    ps_splice s;
    CHECK(ps_splice_init(&s, &from[1], &file, MUCH, 0, memory) == 0);
    for (size_t in = 0; s.moved < MUCH;) {
        ssize_t n = in < MUCH ? write(from[0], sent + in, MUCH - in) : -1;
        in += n > 0 ? (size_t)n : 0;
        CHECK(ps_splice_steps(&s, INT64_MAX, 0) == (in < MUCH || s.moved < MUCH ? -EAGAIN : 0));
    }
    CHECK(ps_splice_steps(&s, INT64_MAX, 0) == 0 && !s.may_splice);
    CHECK(pread(file, came, MUCH, 0) == MUCH && memcmp(sent, came, MUCH) == 0);
    ps_splice_close(&s);
    close(file);
    CHECK(ps_splice_init(&s, &from[1], &file, 1, 0, memory) == -EBADF);
    close(from[0]);
    close(from[1]);
}

/* Beyond 4 GiB, which an offset of 32 bits cannot have: a sparse file with a text at its end. */
static void large_file(void) {
    static const char text[] = "0123456789";
    const int64_t offset = INT64_C(5) << 30;
    char path[] = "/tmp/ps_large_XXXXXX", got[sizeof text];
    int pair[2];
    int file = mkstemp(path);
    CHECK(file >= 0 && unlink(path) == 0);
    CHECK(pwrite(file, text, sizeof text, offset) == sizeof text);
    open_pair(pair, 0);
    ps_io io = {.len = sizeof text, .file = file, .file_offset = offset};
    CHECK(ps_sendfile(pair[0], &io, 0) == sizeof text);
    CHECK(io.file_offset == offset + (int64_t)sizeof text);
    CHECK(read(pair[1], got, sizeof got) == sizeof got && memcmp(got, text, sizeof got) == 0);

    ps_splice s;
    CHECK(lseek(file, offset, SEEK_SET) == offset);
    CHECK(ps_splice_init(&s, &file, &pair[0], INT64_MAX, 0, memory) == 0);
    while (ps_splice_steps(&s, INT64_MAX, 0) > 0) {
    }
    CHECK(s.moved == sizeof text && ps_splice_inside(&s) == 0);
    CHECK(read(pair[1], got, sizeof got) == sizeof got && memcmp(got, text, sizeof got) == 0);
    ps_splice_close(&s);
    close(file);
    close(pair[0]);
    close(pair[1]);
}

int main(void) {
    for (size_t i = 0; i < MUCH; i++) {
        sent[i] = (unsigned char)rand();
    }
    int before = next_descriptor();
    rights();
    peers();
    splices();
    append();
    large_file();
    CHECK(next_descriptor() == before);
    puts("ok");
    return 0;
}
