// SPDX-License-Identifier: Apache-2.0
/* Why a configuration is not what was asked for. */
#include "base/options.h"
#include "kernel/kconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMES_SHOWN = 6,    /* selectors of one option */
	OPTIONS_SHOWN = 12, /* options that one error explains */
};

static void join(struct buf *text, const struct strings *parts, const char *separator)
{
	for (size_t i = 0; i < parts->count; i++)
		buf_printf(text, "%s%s", i ? separator : "", parts->items[i]);
}

static void say_unknown(struct buf *text, const struct kconfig *kconfig, const char *name)
{
	const char **names = xcalloc(kconfig->block_count + 1, sizeof(*names));

	for (size_t i = 0; i < kconfig->block_count; i++)
		names[i] = kconfig->blocks[i].name;
	const char *meant = did_you_mean(name, names);
	buf_puts(text, "this kernel has no such option");
	if (meant)
		buf_printf(text, "; did you mean CONFIG_%s?", meant);
	free(names);
}

/* The options that select `name`, with their values: those in force, or all. */
static void list_selectors(const struct kconfig *kconfig, const struct config *config,
						   const char *name, bool in_force, struct strings *ret)
{
	for (size_t i = 0; i < kconfig->select_count && ret->count < NAMES_SHOWN; i++) {
		const struct kconfig_select *select = &kconfig->selects[i];
		const char *value = config_value(config, select->selector);
		bool applies = strcmp(value, "n") != 0 &&
					   (!select->condition ||
						expression_evaluate(select->condition, config, NULL) != TRISTATE_NO);
		if (strcmp(select->target, name) != 0 || (in_force && !applies))
			continue;
		_cleanup_free_ char *shown = xasprintf("%s [=%s]", select->selector, value);
		if (!strings_contain(ret, shown))
			strings_add(ret, shown);
	}
}

/* The member of a choice that is set in place of `block`, or NULL. */
static const char *chosen_instead(const struct kconfig *kconfig, const struct config *config,
								  const struct kconfig_block *block)
{
	for (size_t i = 0; block->choice && i < kconfig->block_count; i++) {
		const struct kconfig_block *other = &kconfig->blocks[i];
		if (other->choice == block->choice && strcmp(other->name, block->name) != 0 &&
			strcmp(config_value(config, other->name), "y") == 0)
			return other->name;
	}
	return NULL;
}

/* Why the conditions of one block leave its option as it is. */
static void say_block(struct buf *text, const struct kconfig *kconfig, const struct config *config,
					  const struct kconfig_block *block)
{
	_cleanup_strings_ struct strings unmet = {0}, selectors = {0};
	const char *chosen = chosen_instead(kconfig, config, block);

	for (size_t i = 0; i < block->depends.count; i++)
		expression_unmet(block->depends.items[i], config, &unmet);
	if (unmet.count) {
		buf_puts(text, "it needs ");
		join(text, &unmet, " and ");
	} else if (chosen) {
		buf_printf(text, "CONFIG_%s is chosen in its place: unset that one", chosen);
	} else if (!block->prompt) {
		list_selectors(kconfig, config, block->name, false, &selectors);
		buf_puts(text, "it cannot be asked for, only other options set it");
		buf_puts(text, selectors.count ? ": " : "");
		join(text, &selectors, ", ");
	} else {
		buf_puts(text, "its conditions are met, so the value is not one it can have");
	}
}

/* What one block says of why its option has another value than was asked for. */
static char *explain_block(const struct kconfig *kconfig, const struct config *config,
						   const struct config_option *asked, const struct kconfig_block *block,
						   const struct strings *selectors)
{
	struct buf text = {0};

	if (selectors->count) {
		buf_puts(&text, "it is selected by ");
		join(&text, selectors, ", ");
	} else if (strcmp(asked->value, "n") == 0 && !block->prompt) {
		buf_puts(&text, "it cannot be unset, its default decides");
	} else {
		say_block(&text, kconfig, config, block);
	}
	buf_printf(&text, " (%s:%u)", block->file, block->line);
	return buf_steal(&text);
}

char *kconfig_explain(const struct kconfig *kconfig, const struct config *config,
					  const struct config_option *asked)
{
	_cleanup_strings_ struct strings selectors = {0}, reasons = {0};
	struct buf text = {0};

	list_selectors(kconfig, config, asked->name, true, &selectors);
	for (size_t i = 0; i < kconfig->block_count; i++) {
		const struct kconfig_block *block = &kconfig->blocks[i];
		/* Where an option has several blocks, one that selects it is enough. */
		if (strcmp(block->name, asked->name) != 0 || (selectors.count && reasons.count))
			continue;
		_cleanup_free_ char *reason = explain_block(kconfig, config, asked, block, &selectors);
		if (!strings_contain(&reasons, reason))
			strings_add(&reasons, reason);
	}
	join(&text, &reasons, ", or ");
	if (!reasons.count)
		say_unknown(&text, kconfig, asked->name);
	return buf_steal(&text);
}

/* "CONFIG_NET=y", or "CONFIG_NET unset". */
static char *show_option(const struct config_option *option)
{
	return strcmp(option->value, "n") == 0 ? xasprintf("CONFIG_%s unset", option->name)
										   : xasprintf("CONFIG_%s=%s", option->name, option->value);
}

static bool is_met(const struct config_option *asked, const struct config *config)
{
	return strcmp(config_value(config, asked->name), asked->value) == 0;
}

int kconfig_prove(const struct config *asked, const struct config *config, const char *tree,
				  const char *source_arch, struct error *err)
{
	_cleanup_kconfig_ struct kconfig kconfig = {0};
	_cleanup_error_ struct error ignored = {0};
	_cleanup_buf_ struct buf hint = {0};
	const struct config_option *first = NULL;
	size_t failed = 0;

	for (size_t i = 0; i < asked->count; i++) {
		const struct config_option *option = &asked->options[i];
		if (is_met(option, config))
			continue;
		if (!first)
			kconfig_read(tree, source_arch, &kconfig, &ignored);
		first = first ? first : option;
		if (++failed > OPTIONS_SHOWN)
			continue;
		_cleanup_free_ char *reason = kconfig_explain(&kconfig, config, option);
		_cleanup_free_ char *shown = show_option(option);
		buf_printf(&hint, "%s%s (%s) became %s: %s", failed > 1 ? "\n" : "", shown, option->origin,
				   config_value(config, option->name), reason);
	}
	if (!first)
		return 0;
	_cleanup_free_ char *shown = show_option(first);
	_cleanup_free_ char *more =
		failed > 1 ? xasprintf(" (and %zu more such options)", failed - 1) : xstrdup("");
	error_set(err, EINVAL, "%s, asked for by %s, is not in the configuration: it is %s%s", shown,
			  first->origin, config_value(config, first->name), more);
	return error_hint(err, "%s", hint.data);
}
