/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The work a lab guest does, and how it tells about it.
 *
 * Purpose: dirty memory at a chosen rate and in a chosen pattern, and send a heartbeat every 5 ms that lets the
 * client compute how long the guest was away and how much work it lost.
 *
 * One loop of ticks. A tick writes one word to each of the pages that are due, then sends one heartbeat, then sleeps
 * until the next tick. What is due follows from the guest's clock since the last tick, but never from more than two
 * tick lengths: a guest that was held up (throttled vCPU, post-copy page faults, a starved host) does not catch up
 * afterwards, so what it lost stays visible. `work_us` counts the time for which the schedule was kept: in an
 * undisturbed guest it grows as fast as time.
 *
 * Pages are visited by a stride coprime to their number: within one round over the area all pages are distinct, and
 * they are spread evenly over it. So "3052 pages/s over 256 MiB" means 100 Mbit/s of distinct dirty memory.
 *
 * Every word of the memory has a value that follows from its place, but for the first one of a written page, which is noted
 * elsewhere as well. With verify=PAGES_PER_S all pages are read round and round and compared: `verified` and `corrupt` count.
 *
 * Parameters come as lab.NAME=VALUE words of the kernel command line, and later as UDP datagrams to port 7002
 * ("config=ID NAME=VALUE ..."); the heartbeats carry the ID of the last one obeyed.
 *
 *   pattern=uniform|hot|bursty|idle   rate=PAGES_PER_S   size=MIB (written area)   hot=MIB (takes 95 % of the writes)
 *   on=MS off=MS (bursty)   verify=PAGES_PER_S   touched=MIB (filled once at start)   contents=random|text (start only)
 *   client=IPV4
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
        PAGE_BYTES = 4096,
        PAGES_PER_MIB = 256,
        HEARTBEAT_PORT = 7001,
        CONTROL_PORT = 7002,
        TICK_NS = 5000000,
        HOT_PERCENT = 95,
        WORDS_PER_PAGE = PAGE_BYTES / 8,
};

#define HEARTBEAT_MAGIC 0x7462676du /* "mgbt" */
#define NS_PER_S        1000000000ull
#define NS_PER_MS       1000000ull

/* Little-endian on the wire: guests are x86-64, and the client unpacks "<IIQQQQQQ". */
struct heartbeat {
        uint32_t magic;
        uint32_t config;
        uint64_t sequence;
        uint64_t guest_ns;
        uint64_t pages;
        uint64_t work_us;
        uint64_t verified, corrupt; /* pages */
};

struct parameters {
        char pattern[16];
        char contents[16];
        char client[64];
        uint64_t rate, size, hot, touched, on, off, verify;
        uint32_t config;
};

/* A walk over `count` pages from `first`, every page once a round. */
struct walk {
        uint64_t first, count, stride, at;
};

static uint64_t now_ns(void)
{
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
        while (b) {
                uint64_t rest = a % b;
                a = b;
                b = rest;
        }
        return a;
}

static void walk_over(struct walk *walk, uint64_t first, uint64_t count)
{
        walk->first = first;
        walk->count = count ? count : 1;
        walk->at = 0;
        /* The golden section spreads any number of consecutive steps evenly. */
        walk->stride = (uint64_t)((double)walk->count * 0.6180339887) | 1u;
        while (gcd(walk->stride, walk->count) != 1)
                walk->stride++;
}

static uint64_t walk_next(struct walk *walk)
{
        walk->at = (walk->at + walk->stride) % walk->count;
        return walk->first + walk->at;
}

/* Takes every known NAME=VALUE word of @text (with or without "lab." before it), ignores the others. */
static void parse(struct parameters *p, char *text)
{
        struct {
                const char *name;
                uint64_t *value;
        } numbers[] = {
                { "rate", &p->rate },       { "size", &p->size }, { "hot", &p->hot },
                { "touched", &p->touched }, { "on", &p->on },     { "off", &p->off }, { "verify", &p->verify },
        };
        char *state = NULL;

        for (char *word = strtok_r(text, " \n", &state); word; word = strtok_r(NULL, " \n", &state)) {
                char *value = strchr(word, '=');

                if (!value)
                        continue;
                *value++ = 0;
                if (strncmp(word, "lab.", 4) == 0)
                        word += 4;
                for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                        if (strcmp(word, numbers[i].name) == 0)
                                *numbers[i].value = strtoull(value, NULL, 10);
                if (strcmp(word, "config") == 0)
                        p->config = (uint32_t)strtoul(value, NULL, 10);
                if (strcmp(word, "pattern") == 0)
                        snprintf(p->pattern, sizeof(p->pattern), "%s", value);
                if (strcmp(word, "contents") == 0)
                        snprintf(p->contents, sizeof(p->contents), "%s", value);
                if (strcmp(word, "client") == 0)
                        snprintf(p->client, sizeof(p->client), "%s", value);
        }
        if (p->size > p->touched)
                p->size = p->touched;
        if (p->hot > p->size)
                p->hot = p->size;
}

/* Lays the walks over the written area: the hot part first, then the rest. */
static void lay_walks(struct parameters *p, struct walk *hot, struct walk *cold)
{
        if (strcmp(p->pattern, "hot") != 0)
                p->hot = 0;
        walk_over(hot, 0, p->hot * PAGES_PER_MIB);
        walk_over(cold, p->hot * PAGES_PER_MIB, (p->size - p->hot) * PAGES_PER_MIB);
}

/* What a word is filled with: noise that nothing makes smaller (splitmix64), or all alike ("text"). */
static uint64_t word_at(uint64_t i, int is_text)
{
        uint64_t x = (i + 1) * 0x9e3779b97f4a7c15ull;

        if (is_text)
                return 0x2e65746972772069ull + i % WORDS_PER_PAGE % 4;
        x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
        x = (x ^ x >> 27) * 0x94d049bb133111ebull;
        return x ^ x >> 31;
}

/* Is a page as it was filled, but for its first word, which is @first if anything was written to it? */
static int is_intact(const uint64_t *memory, uint64_t page, uint64_t first, int is_text)
{
        uint64_t begin = page * WORDS_PER_PAGE;

        if (memory[begin] != (first ? first : word_at(begin, is_text)))
                return 0;
        for (uint64_t i = begin + 1; i < begin + WORDS_PER_PAGE; i++)
                if (memory[i] != word_at(i, is_text))
                        return 0;
        return 1;
}

/* Memory of @mib MiB that no compression and no zero-page detection makes smaller, or all alike ("text"). */
static uint64_t *fill(uint64_t mib, const char *contents)
{
        uint64_t words = mib * PAGES_PER_MIB * WORDS_PER_PAGE;
        int is_text = strcmp(contents, "text") == 0;
        uint64_t *memory = mmap(NULL, words * 8 + PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED) {
                printf("workload: no %llu MiB: %s\n", (unsigned long long)mib, strerror(errno));
                exit(1);
        }
        for (uint64_t i = 0; i < words; i++)
                memory[i] = word_at(i, is_text);
        return memory;
}

static int open_socket(void)
{
        struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(CONTROL_PORT) };
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0) {
                printf("workload: no socket: %s\n", strerror(errno));
                exit(1);
        }
        return fd;
}

int main(void)
{
        struct parameters p = { .pattern = "idle", .contents = "random", .client = "127.0.0.1", .touched = 64 };
        struct sockaddr_in client = { .sin_family = AF_INET, .sin_port = htons(HEARTBEAT_PORT) };
        struct heartbeat beat = { .magic = HEARTBEAT_MAGIC };
        struct walk hot, cold;
        char text[4096] = "";
        uint64_t *memory, *written, last, next, began, owed = 0 /* pages x ns */, writes = 0, unread = 0 /* likewise */;
        FILE *cmdline = fopen("/proc/cmdline", "r");
        int fd;

        if (!cmdline || !fgets(text, sizeof(text), cmdline))
                return 1;
        fclose(cmdline);
        parse(&p, text);
        inet_pton(AF_INET, p.client, &client.sin_addr);
        memory = fill(p.touched, p.contents);
        written = calloc(p.touched * PAGES_PER_MIB + 1, sizeof(*written));
        if (!written)
                return 1;
        fd = open_socket();
        printf("workload: running\n");

        lay_walks(&p, &hot, &cold);
        began = last = next = now_ns();
        for (;;) {
                uint64_t now = now_ns(), elapsed = now - last;
                int is_hot = p.hot > 0, is_writing = strcmp(p.pattern, "idle") != 0;
                ssize_t got = recv(fd, text, sizeof(text) - 1, 0);

                if (got > 0) {
                        text[got] = 0;
                        parse(&p, text);
                        lay_walks(&p, &hot, &cold);
                        beat.config = p.config;
                        began = now;
                        owed = 0;
                        continue;
                }
                last = now;
                if (elapsed > 2 * TICK_NS)
                        elapsed = 2 * TICK_NS;
                if (strcmp(p.pattern, "bursty") == 0 && p.on + p.off)
                        is_writing = (now - began) / NS_PER_MS % (p.on + p.off) < p.on;
                if (is_writing && p.rate && p.size) {
                        owed += elapsed * p.rate;
                        for (; owed >= NS_PER_S; owed -= NS_PER_S) {
                                struct walk *walk = is_hot && (++writes % 100) < HOT_PERCENT ? &hot : &cold;

                                uint64_t page = walk_next(walk);

                                memory[page * WORDS_PER_PAGE] = written[page] = ++beat.pages;
                        }
                }
                for (unread += elapsed * p.verify; unread >= NS_PER_S && p.touched; unread -= NS_PER_S) {
                        uint64_t page = beat.verified++ % (p.touched * PAGES_PER_MIB);

                        beat.corrupt += !is_intact(memory, page, written[page], strcmp(p.contents, "text") == 0);
                }
                beat.work_us += elapsed / 1000;
                beat.sequence++;
                beat.guest_ns = now;
                sendto(fd, &beat, sizeof(beat), 0, (struct sockaddr *)&client, sizeof(client));

                next += TICK_NS;
                if (next < now_ns())
                        next = now_ns() + TICK_NS / 5; /* late: go on from here, but let the kernel breathe */
                struct timespec until = { .tv_sec = (time_t)(next / NS_PER_S), .tv_nsec = (long)(next % NS_PER_S) };
                clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        }
}
