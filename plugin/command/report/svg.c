/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation
 *
 * gnuplot writes each stroke with its own presentation attributes, each text in a group of its own, and definitions with
 * fixed identifiers into each picture. Here its elements are read and written anew: of a known few (path, polygon, use,
 * text) with a known few attributes, whose values are numbers, commands of a path or transformations, and nothing else.
 * Colours become classes, so that the page's style sheet decides; what gnuplot inherits from a group (the width of lines,
 * the place of a text) is handed down.
 */
#include "command/report/svg.h"
#include "array.h"
#include "cleanup.h"
#include "command/report/html.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <stdbool.h>
#include <string.h>

/* What a group hands down; owned by the document. */
struct inherited {
        const char *width;
        const char *stroke, *fill;
        const char *transform, *anchor, *font_size; /* of a text */
};

static void free_docp(xmlDoc **doc)
{
        xmlFreeDoc(*doc);
}

/* An attribute's value, which stays the document's; NULL: there is none, or it is no plain text. */
static const char *attribute(const xmlNode *node, const char *name)
{
        for (const xmlAttr *attr = node->properties; attr != NULL; attr = attr->next)
                if (strcmp((const char *)attr->name, name) == 0)
                        return attr->children != NULL && attr->children->next == NULL ? (const char *)attr->children->content
                                                                                      : NULL;
        return NULL;
}

static bool is_element(const xmlNode *node, const char *name)
{
        return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* The class of a colour: "rgb(  0, 114, 178)" or a name. */
static const char *class_of(const char *colour)
{
        static const struct {
                unsigned rgb;
                const char *name;
        } classes[] = { { 0x0072b2, "b" }, { 0xd55e00, "v" },  { 0x009e73, "n" }, { 0x666666, "f" },
                        { 0xdddddd, "g" }, { 0x0072b3, "ba" }, { 0xd55e01, "vh" } };
        unsigned r, g, b;

        if (colour == NULL || sscanf(colour, "rgb(%u,%u,%u)", &r, &g, &b) != 3)
                return "k";
        for (size_t i = 0; i < MT_ARRAY_SIZE(classes); i++)
                if (classes[i].rgb == (r << 16 | g << 8 | b))
                        return classes[i].name;
        return "k";
}

/* Numbers, commands and functions; gnuplot pads with spaces. */
static void write_attribute(FILE *out, const char *name, const char *value)
{
        size_t length = value != NULL ? strlen(value) : 0;

        while (length > 0 && value[length - 1] == ' ')
                length--;
        if (length > 0 && strspn(value, "0123456789.,- +MLZmlzhvHVeE()translateroscale\n") >= length)
                (void)fprintf(out, " %s=\"%.*s\"", name, (int)length, value);
}

static void write_text(FILE *out, const xmlNode *node, const struct inherited *from)
{
        xmlChar *text = xmlNodeGetContent(node);

        if (text == NULL || text[0] == '\0') {
                xmlFree(text);
                return;
        }
        (void)fprintf(out, "<text class=\"%s\"", class_of(from->fill));
        write_attribute(out, "transform", from->transform);
        if (from->anchor != NULL && strcmp(from->anchor, "start") != 0)
                (void)fprintf(out, " text-anchor=\"%s\"", strcmp(from->anchor, "end") == 0 ? "end" : "middle");
        if (from->font_size != NULL && strcmp(from->font_size, "12.00") != 0)
                write_attribute(out, "font-size", from->font_size);
        (void)fputs(">", out);
        mt_html_text(out, (const char *)text + strspn((const char *)text, " "));
        (void)fputs("</text>\n", out);
        xmlFree(text);
}

static void write_path(FILE *out, const xmlNode *node, const struct inherited *from)
{
        const char *stroke = attribute(node, "stroke"), *d = attribute(node, "d");

        if (d == NULL || d[0] == '\0')
                return;
        (void)fprintf(out, "<path class=\"%s\"", class_of(stroke != NULL ? stroke : from->stroke));
        if (from->width != NULL && strcmp(from->width, "1.00") != 0)
                write_attribute(out, "stroke-width", from->width);
        write_attribute(out, "stroke-dasharray", attribute(node, "stroke-dasharray"));
        write_attribute(out, "d", d);
        (void)fputs("/>\n", out);
}

static void write_polygon(FILE *out, const xmlNode *node)
{
        (void)fprintf(out, "<polygon class=\"%s\"", class_of(attribute(node, "fill")));
        write_attribute(out, "points", attribute(node, "points"));
        (void)fputs("/>\n", out);
}

/* A mark: "#gpPt7" is the page's "p7". */
static void write_use(FILE *out, const xmlNode *node)
{
        const char *href = attribute(node, "href");
        unsigned kind;

        if (href == NULL || sscanf(href, "#gpPt%u", &kind) != 1 || kind > 14)
                return;
        (void)fprintf(out, "<use href=\"#p%u\" class=\"%s\"", kind, class_of(attribute(node, "color")));
        write_attribute(out, "transform", attribute(node, "transform"));
        (void)fputs("/>\n", out);
}

static void hand_down(const xmlNode *group, struct inherited *down)
{
        const struct {
                const char *name;
                const char **to;
        } all[] = { { "stroke-width", &down->width },  { "stroke", &down->stroke },      { "fill", &down->fill },
                    { "transform", &down->transform }, { "text-anchor", &down->anchor }, { "font-size", &down->font_size } };

        for (size_t i = 0; i < MT_ARRAY_SIZE(all); i++) {
                const char *value = attribute(group, all[i].name);

                if (value != NULL)
                        *all[i].to = value;
        }
}

static void write_children(FILE *out, const xmlNode *parent, const struct inherited *from)
{
        for (const xmlNode *node = parent->children; node != NULL; node = node->next) {
                if (is_element(node, "g")) {
                        struct inherited down = *from;

                        hand_down(node, &down);
                        write_children(out, node, &down);
                } else if (is_element(node, "text")) {
                        write_text(out, node, from);
                } else if (is_element(node, "path")) {
                        write_path(out, node, from);
                } else if (is_element(node, "polygon")) {
                        write_polygon(out, node);
                } else if (is_element(node, "use")) {
                        write_use(out, node);
                }
        }
}

int mt_svg_inline(FILE *out, const char *svg, size_t size, const struct mt_svg_label *label, struct mt_err *err)
{
        MT_CLEANUP(free_docp)
        xmlDoc *doc = xmlReadMemory(svg, (int)size, "picture", NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
        const xmlNode *root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
        const struct inherited none = { .width = NULL };

        if (root == NULL || !is_element(root, "svg"))
                return mt_fail(err, EIO, "a picture: what gnuplot wrote is no SVG");
        (void)fprintf(out, "<svg class=\"p\" role=\"img\" aria-labelledby=\"%s-t\" aria-describedby=\"%s-d\"", label->id,
                      label->id);
        write_attribute(out, "viewBox", attribute(root, "viewBox"));
        (void)fprintf(out, ">\n<title id=\"%s-t\">", label->id);
        mt_html_text(out, label->title);
        (void)fprintf(out, "</title>\n<desc id=\"%s-d\">", label->id);
        mt_html_text(out, label->description);
        (void)fputs("</desc>\n", out);
        write_children(out, root, &none);
        (void)fputs("</svg>\n", out);
        return 0;
}

/* Marks as gnuplot numbers them, in units of their size; and stripes. */
void mt_svg_definitions(FILE *out)
{
        (void)fputs("<svg width=\"0\" height=\"0\" aria-hidden=\"true\" class=\"defs\"><defs>\n"
                    "<circle id=\"p5\" r=\"1\" class=\"o\"/>\n"
                    "<path id=\"p7\" d=\"M0,-1.33 L-1.33,0.67 L1.33,0.67 z\" class=\"o\"/>\n"
                    "<path id=\"p3\" d=\"M-1,-1 h2 v2 h-2 z\" class=\"o\"/>\n"
                    "<path id=\"p1\" d=\"M-1,-1 L1,1 M1,-1 L-1,1\" class=\"o\"/>\n"
                    "<pattern id=\"hatch\" patternUnits=\"userSpaceOnUse\" width=\"5\" height=\"5\" "
                    "patternTransform=\"rotate(45)\"><path class=\"v\" d=\"M0,2.5 h5\" stroke-width=\"2.4\"/></pattern>\n"
                    "</defs></svg>\n",
                    out);
}
