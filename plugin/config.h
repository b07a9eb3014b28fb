/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The operator's configuration: libconfig files, parsed and verified whole before anything uses them.
 *
 * Every key is a row of one table in config_keys.c (path, kind, range, where it goes); a key that is not in the table is
 * an error. Errors read "FILE:LINE: KEY: expected ...". A file with any error is refused whole.
 */
#ifndef MT_CONFIG_H
#define MT_CONFIG_H

#include "elements.h"
#include "err.h"
#include "intent.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a domain when its intent is looked up. Empty string: not known. */
struct mt_identity {
        char name[128];
        char uuid[37];
        char title[128];
        char nova_flavor[128];
        char nova_project[128]; /* its uuid */
        char nova_project_name[128];
        struct mt_elements metadata; /* all of it */
};

/* Which VMs a rule is for: those that fit all that is given. Empty: not asked for. */
struct mt_match {
        char name[128]; /* name and title are globs (fnmatch) */
        char uuid[37];
        char title[128];
        char nova_flavor[128];
        char nova_project[128]; /* uuid or name */
        struct mt_element_match metadata;
};

/* One rule; first match wins. */
struct mt_rule {
        struct mt_match match; /* asks for something */
        struct mt_intent set;  /* only the fields in `fields` count; with the origins of their lines */
        uint64_t fields;       /* bit i: row i of the intent keys was set */
        char origin[96];       /* "FILE:LINE" */
};

/* The bandwidth models, tau and t_g: as built in, or this host's own where its history tells them. */
enum mt_models_choice { MT_MODELS_BUILT_IN, MT_MODELS_AUTO };

/* The limits that a migration call's caller gave itself: upper bounds of the plan's, or replaced by them. */
enum mt_caller_limits { MT_LIMITS_RESPECT, MT_LIMITS_OVERRIDE };

/* Whether a broken post-copy is resumed: but where the destination's libvirt is known to crash by it; even there; not. */
enum mt_resume_choice { MT_RESUME_AUTO, MT_RESUME_ALWAYS, MT_RESUME_NEVER };

struct mt_config {
        struct {
                char device[IFNAMSIZ]; /* "": found from the route */
                uint64_t rate_bytes_s; /* MT_AUTO: what the NIC says */
        } link;
        struct {
                enum mt_models_choice models;
        } traffic;
        struct mt_intent defaults; /* mode, lambda, migration, alpha, sla, traffic */
        struct {
                bool enable, ingress;
                char parent[16]; /* "": our own root qdisc; else a class "1:10" of an HTB to add under */
                uint64_t max_link_bytes_s;
        } tc;
        struct {
                uint64_t dirty_rate_every_ms, traffic_every_ms, before_start_ms;
        } measure;
        struct {
                char file[256]; /* "": none */
                unsigned keep;  /* records */
        } history;
        struct {
                char textfile[256];
        } metrics;
        struct {
                char uri[256];
                char share_dir[256];
                enum mt_resume_choice resume;
        } destination;
        struct {
                enum mt_caller_limits caller_limits;
                uint64_t max_wait_ms; /* the longest that a call is held until its turn; 0: not at all */
                uint64_t timeout_ms;  /* the longest that a call is held for advice */
        } shim;
        struct mt_rule *rules; /* owned */
        size_t n_rules;
};

/* "built-in" "auto". */
const char *mt_models_choice_name(enum mt_models_choice choice);

/* "auto" "always" "never". */
const char *mt_resume_choice_name(enum mt_resume_choice choice);

/* "respect" "override". */
const char *mt_caller_limits_name(enum mt_caller_limits limits);

/* Fills in the built-in defaults; the caller frees with mt_config_done. */
void mt_config_defaults(struct mt_config *ret_config);

/*
 * Reads path, then every .conf file of the directory conf.d beside it, alphabetically; a later file overrides an earlier
 * one, its rules come after. A missing path is an error, a missing conf.d not. Each file is verified with what came
 * before it. *ret_config changes only on success (what it held is not freed: pass a fresh one).
 */
int mt_config_load(const char *path, struct mt_config *ret_config, struct mt_err *err);

/* Frees what *config holds and zeroes it. Accepts a zeroed one. */
void mt_config_done(struct mt_config *config);

#define MT_POLICY_NAMESPACE "urn:migtune:policy:1"

/* The VM's own wishes, from <migtune:policy .../> in its metadata: attribute names are the keys with '-' for '_'. */
struct mt_metadata {
        unsigned n;
        struct {
                char key[40];
                char value[160];
        } attribute[16];
};

/*
 * defaults < first matching rule < metadata. A wrong attribute in metadata refuses the metadata whole: *err says which,
 * *ret_intent is then what rules and defaults say, and -EINVAL is returned. Its origins tell where each value is from.
 */
int mt_config_intent(const struct mt_config *config, const struct mt_identity *who, const struct mt_metadata *metadata,
                     struct mt_intent *ret_intent, struct mt_err *err);

/*
 * Sets one intent key ("urgency", "max_downtime", "lambda_low", ...; '-' counts as '_') from text, as metadata and
 * `plan --offline` do, but not its origin. "deadline" sets it for every urgency. 0, or -EINVAL with "KEY: expected ...".
 */
int mt_intent_set(struct mt_intent *intent, const char *key, const char *value, struct mt_err *err);

#endif
