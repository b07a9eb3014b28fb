/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command migtune: loads the plugin and hands the subcommand over to it. The commands themselves are the plugin's;
 * this program owns what a plugin must not touch: signals, descriptors 0 to 2, syslog, the exit.
 */
#include "loader.h"
#include "mt_build.h"
#include "sink.h"
#include "child.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EXIT_USAGE = 2 };

/* The options that every subcommand has, and what is left of the arguments without them. */
struct options {
        const char *config, *run_dir, *log;
        bool debug, help, version;
        int argc;
        const char **argv; /* argv[0]: the subcommand; NULL at the end */
};

/* If argv[*i] is --NAME VALUE or --NAME=VALUE: 1 and *ret_value; 0: it is not; -1: it is, but the value is missing. */
static int take_value(const char *name, int argc, char **argv, int *i, const char **ret_value)
{
        size_t length = strlen(name);

        if (strncmp(argv[*i], name, length) != 0)
                return 0;
        if (argv[*i][length] == '=') {
                *ret_value = argv[*i] + length + 1;
                return 1;
        }
        if (argv[*i][length] != '\0')
                return 0;
        if (*i + 1 >= argc)
                return -1;
        *ret_value = argv[++*i];
        return 1;
}

/* Takes one global option at argv[*i]. 1: taken; 0: not one of ours; -1: bad. */
static int take_option(struct options *o, int argc, char **argv, int *i)
{
        const struct {
                const char *name;
                const char **value;
        } with_value[] = { { "--config", &o->config }, { "--run-dir", &o->run_dir }, { "--log", &o->log } };

        for (size_t k = 0; k < sizeof(with_value) / sizeof(with_value[0]); k++) {
                int r = take_value(with_value[k].name, argc, argv, i, with_value[k].value);

                if (r < 0)
                        (void)fprintf(stderr, "migtune: %s: a value is missing, see migtune --help\n", with_value[k].name);
                if (r != 0)
                        return r;
        }
        if (strcmp(argv[*i], "--debug") == 0) {
                o->debug = true;
                return 1;
        }
        return 0;
}

/* Fills *o from the arguments; o->argv is allocated. 0, or -1 after a message. */
static int parse(struct options *o, int argc, char **argv)
{
        bool literal = false; /* after "--" */

        o->argv = calloc((size_t)argc + 1, sizeof(*o->argv));
        if (o->argv == NULL) {
                (void)fprintf(stderr, "migtune: out of memory\n");
                return -1;
        }
        for (int i = 1; i < argc; i++) {
                int r = literal ? 0 : take_option(o, argc, argv, &i);

                if (r < 0)
                        return -1;
                if (r > 0)
                        continue;
                if (o->argc == 0 && argv[i][0] == '-') { /* what follows the subcommand is its own */
                        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
                                o->help = true;
                        } else if (strcmp(argv[i], "--version") == 0) {
                                o->version = true;
                        } else {
                                (void)fprintf(stderr, "migtune: unknown option '%s', see migtune --help\n", argv[i]);
                                return -1;
                        }
                        continue;
                }
                literal = literal || strcmp(argv[i], "--") == 0;
                o->argv[o->argc++] = argv[i];
        }
        return 0;
}

static const char usage_head[] = "usage: migtune [OPTION...] COMMAND [ARGUMENT...]\n"
                                 "Chooses how each live migration of a libvirt guest runs, and protects the other traffic.\n"
                                 "\n"
                                 "Commands:\n";
static const char usage_tail[] = "\n"
                                 "Options, before or after the command:\n"
                                 "  --config FILE         configuration, instead of " MT_CONFIG_PATH "\n"
                                 "  --run-dir DIR         directory of the watcher's socket, instead of " MT_RUN_DIR "\n"
                                 "  --log WHERE           messages go to syslog, stderr or file:PATH\n"
                                 "  --debug               more messages\n"
                                 "  -h, --help            COMMAND --help tells about one command\n"
                                 "  --version             the version\n"
                                 "\n"
                                 "Exit status: 0 done, 1 failed, 2 bad usage or bad input.\n";

/*
 * Some commands read their signals from a descriptor, so these must be blocked before any thread exists; and libraries that
 * the plugin brings may start threads when they are loaded. A reader that goes away must end no command by a signal.
 */
static void prepare_signals(const char *command)
{
        static const struct {
                const char *command;
                int signals[4];
        } blocked[] = { { "watch", { SIGTERM, SIGINT, SIGHUP } },
                        { "migrate", { SIGTERM, SIGINT } },
                        { "evacuate", { SIGTERM, SIGINT } } };
        sigset_t set;

        (void)signal(SIGPIPE, SIG_IGN);
        (void)sigemptyset(&set);
        for (size_t i = 0; i < sizeof(blocked) / sizeof(blocked[0]); i++)
                for (const int *s = blocked[i].signals; strcmp(command, blocked[i].command) == 0 && *s != 0; s++)
                        (void)sigaddset(&set, *s);
        (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Whether terminals here know colours and how to go back up: not so in an editor's shell window, or on a serial line. */
static bool terminals_draw(void)
{
        const char *kind = secure_getenv("TERM");

        return kind != NULL && kind[0] != '\0' && strcmp(kind, "dumb") != 0;
}

static void fill_host(struct mt_host_ops *host, const struct options *o)
{
        struct winsize size = { .ws_col = 0 };
        const bool draw = terminals_draw();

        host->struct_size = sizeof(*host);
        host->abi_major = MT_ABI_MAJOR;
        host->log = mt_sink_log;
        host->print = mt_sink_print;
        host->record = mt_sink_record;
        host->record_fields = mt_sink_record_fields;
        host->run = mt_child_run;
        host->config_file = o->config;
        host->run_dir = o->run_dir;
        if (isatty(STDOUT_FILENO) != 0) {
                host->flags |= draw ? MT_HOST_OUT_IS_TTY : 0;
                host->columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
        }
        if (draw && isatty(STDERR_FILENO) != 0)
                host->flags |= MT_HOST_ERR_IS_TTY;
}

/* Loads the plugin and runs argv there. Returns the exit status. */
static int run_plugin(const struct options *o, int argc, const char *const *argv)
{
        struct mt_host_ops host = { .struct_size = 0 };
        const char *path = mt_plugin_path(MT_PLUGIN_PATH);
        struct mt_plugin_ops plugin;
        void *handle = NULL;
        char error[1024];
        int status;

        status = mt_plugin_load(path, MT_NEED_COMMAND, &plugin, error, sizeof(error));
        if (status < 0) {
                mt_sink_log(NULL, 3, error);
                return EXIT_FAILURE;
        }
        fill_host(&host, o);
        status = plugin.open(&host, &handle);
        if (status < 0) {
                (void)snprintf(error, sizeof(error), "plugin %s: open: %s", path, strerror(-status));
                mt_sink_log(NULL, 3, error);
                return EXIT_FAILURE;
        }
        status = plugin.command(handle, argc, argv);
        plugin.close(handle);
        return status;
}

static int print_help(const struct options *o)
{
        static const char *const list[] = { "help", NULL };
        int status;

        (void)fputs(usage_head, stdout);
        status = run_plugin(o, 1, list);
        (void)fputs(usage_tail, stdout);
        return status;
}

static int run(struct options *o, int argc, char **argv)
{
        char error[512];
        bool is_watcher;

        if (parse(o, argc, argv) < 0)
                return EXIT_USAGE;
        if (o->version) {
                (void)printf("migtune %s\n", MT_VERSION);
                return EXIT_SUCCESS;
        }
        is_watcher = o->argc > 0 && strcmp(o->argv[0], "watch") == 0;
        if (o->log == NULL)
                o->log = is_watcher && isatty(STDERR_FILENO) == 0 ? "syslog" : "stderr";
        if (mt_sink_open(o->log, o->debug, error, sizeof(error)) < 0) {
                (void)fprintf(stderr, "migtune: %s\n", error);
                return EXIT_USAGE;
        }
        prepare_signals(o->argc > 0 ? o->argv[0] : "");
        if (o->help)
                return print_help(o);
        if (o->argc == 0) {
                (void)fprintf(stderr, "migtune: a command is missing, see migtune --help\n");
                return EXIT_USAGE;
        }
        return run_plugin(o, o->argc, o->argv);
}

int main(int argc, char **argv)
{
        struct options options = { .run_dir = secure_getenv("MIGTUNE_RUN_DIR") };
        int status = run(&options, argc, argv);

        free(options.argv);
        if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == EXIT_SUCCESS) {
                (void)fprintf(stderr, "migtune: standard output: %s\n", strerror(errno));
                status = EXIT_FAILURE;
        }
        return status;
}
