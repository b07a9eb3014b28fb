/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libvirt's qemu hook: tells the watcher of this host that a migration comes in, or that a domain has gone.
 *
 * Theory of operation. libvirt runs this program for each step of each domain's life and waits for it, so the contract
 * is: fast, bounded, harmless.
 * - The exit status is a veto: other than 0 it aborts a start or a migration, and on "reconnect" libvirt kills the running
 *   guest. So the status is always 0, whatever fails.
 * - For "migrate" and "restore" standard output replaces the domain's XML; empty means unchanged. So descriptor 1 is
 *   /dev/null before anything else runs, the plugin included.
 * - libvirt must not be called from here: it would wait for itself.
 * - Nothing may hang: standard input and the watcher are waited for with a deadline, and a timer ends the process if
 *   something else hangs (a full syslog socket, a file system). Together they stay under 250 ms.
 * Only the steps that mean something to the watcher load the plugin at all: libvirt starts domains through here, too.
 */
#include "loader.h"
#include "mt_build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define XML_MAX_BYTES (1u << 20)
#define XML_MS 50  /* for reading standard input */
#define ALL_MS 220 /* for everything that waits with a deadline */
#define LAST_RESORT_MS 240

static const struct step {
        const char *operation, *suboperation;
        bool needs_xml;
        int failure_priority; /* a domain's end that the watcher does not hear of does no harm: it looks for itself */
} steps[] = {
        { "migrate", "begin", true, LOG_WARNING }, /* destination: before QEMU starts; memory moves soon after */
        { "stopped", "end", false, LOG_INFO },     /* either end: QEMU is gone */
        { "release", "end", false, LOG_INFO },     /* either end: its resources too */
};

static const struct step *find_step(const char *operation, const char *suboperation)
{
        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
                if (strcmp(operation, steps[i].operation) == 0 && strcmp(suboperation, steps[i].suboperation) == 0)
                        return &steps[i];
        return NULL;
}

static uint32_t elapsed_ms(const struct timespec *start)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint32_t)((now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000);
}

/* What the timer says. Made beforehand, because a signal handler can neither format nor call syslog(). */
static struct {
        int log_socket;
        char text[256];
} last_words = { .log_socket = -1 };

static void give_up(int number)
{
        (void)number;
        if (last_words.log_socket >= 0)
                (void)send(last_words.log_socket, last_words.text, strlen(last_words.text), MSG_DONTWAIT | MSG_NOSIGNAL);
        _exit(EXIT_SUCCESS);
}

static void start_last_resort(const char *domain, const char *operation)
{
        const struct sockaddr_un log_daemon = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
        const struct itimerval timer = { .it_value = { .tv_usec = LAST_RESORT_MS * 1000L } };
        struct sigaction action = { .sa_handler = give_up };
        sigset_t set;

        (void)snprintf(last_words.text, sizeof(last_words.text),
                       "<%d>migtune-hook[%ld]: domain '%s', %s: not done after %d ms, leaving the migration untuned",
                       LOG_DAEMON | LOG_WARNING, (long)getpid(), domain, operation, LAST_RESORT_MS);
        for (char *c = last_words.text; *c != '\0'; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        *c = ' ';
        last_words.log_socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (last_words.log_socket >= 0)
                (void)connect(last_words.log_socket, (const struct sockaddr *)&log_daemon, sizeof(log_daemon));
        (void)sigaction(SIGALRM, &action, NULL);
        (void)sigemptyset(&set);
        (void)sigaddset(&set, SIGALRM);
        (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
        (void)setitimer(ITIMER_REAL, &timer, NULL);
}

/* Standard output is libvirt's: whatever is written from now on, by whomever, goes nowhere. */
static void silence_stdout(void)
{
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

        if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0)
                (void)close(STDOUT_FILENO);
        if (fd > STDERR_FILENO)
                (void)close(fd);
}

/* Reads standard input to its end into buffer of size bytes. False: too long, too slow, not readable or not text. */
static bool read_stdin(char *buffer, size_t size, const struct timespec *start)
{
        size_t used = 0;

        while (used < size) {
                struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
                uint32_t spent = elapsed_ms(start);
                ssize_t n;

                if (spent >= XML_MS || poll(&p, 1, (int)(XML_MS - spent)) <= 0)
                        return false;
                n = read(STDIN_FILENO, buffer + used, size - used);
                if (n < 0)
                        return false;
                if (n == 0) {
                        buffer[used] = '\0';
                        return strlen(buffer) == used;
                }
                used += (size_t)n;
        }
        return false;
}

/* The plugin's log callback: keeps the last message, which says why an event could not be delivered. */
struct message {
        char text[512];
};

static void keep_message(void *ctx, int32_t priority, const char *text)
{
        struct message *message = ctx;

        if (priority <= LOG_WARNING)
                (void)snprintf(message->text, sizeof(message->text), "%s", text);
}

/* Hands the event to the plugin. 0; or -errno and why. */
static int deliver(const struct mt_hook_event *event, struct message *why)
{
        const char *path = mt_plugin_path(MT_CLIENT_PLUGIN_PATH);
        const struct mt_host_ops host = {
                .struct_size = sizeof(host),
                .abi_major = MT_ABI_MAJOR,
                .ctx = why,
                .log = keep_message,
                .run_dir = secure_getenv("MIGTUNE_RUN_DIR"),
        };
        struct mt_plugin_ops plugin;
        void *handle = NULL;
        int r;

        r = mt_plugin_load(path, MT_NEED_HOOK_EVENT, &plugin, why->text, sizeof(why->text));
        if (r < 0)
                return r;
        r = plugin.open(&host, &handle);
        if (r == 0) {
                r = plugin.hook_event(handle, event);
                plugin.close(handle);
        }
        if (r < 0 && why->text[0] == '\0')
                (void)snprintf(why->text, sizeof(why->text), "plugin %s: %s", path, strerror(-r));
        return r;
}

int main(int argc, char **argv)
{
        static char xml[XML_MAX_BYTES + 1];
        struct mt_hook_event event = { .struct_size = sizeof(event) };
        struct message why = { .text = "" };
        const struct step *step;
        struct timespec start;
        uint32_t spent;

        silence_stdout();
        step = argc >= 4 ? find_step(argv[2], argv[3]) : NULL;
        if (step == NULL)
                return EXIT_SUCCESS;
        (void)clock_gettime(CLOCK_MONOTONIC, &start);
        start_last_resort(argv[1], argv[2]);
        /* To standard error as well: libvirt drops it after success, an operator who tries the hook by hand sees it. */
        openlog("migtune-hook", LOG_PID | LOG_PERROR, LOG_DAEMON);
        if (!step->needs_xml || !read_stdin(xml, sizeof(xml) - 1, &start))
                xml[0] = '\0'; /* the watcher can do without */
        spent = elapsed_ms(&start);
        event.timeout_ms = spent < ALL_MS ? ALL_MS - spent : 1;
        event.domain = argv[1];
        event.operation = argv[2];
        event.suboperation = argv[3];
        event.extra = argc >= 5 ? argv[4] : "-";
        event.xml = xml;
        if (deliver(&event, &why) < 0)
                syslog(step->failure_priority, "%s, leaving the migration untuned", why.text);
        return EXIT_SUCCESS;
}
