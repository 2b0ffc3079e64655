// SPDX-License-Identifier: Apache-2.0
/* What to say of a reference that names nothing. */
#include "base/files.h"
#include "cli/compose.h"
#include "cli/help.h"

#include <errno.h>
#include <string.h>

/* "oci:" of "oci:DIR[:TAG]"; 0 for forms that are paths. */
static size_t scheme_length(const char *text)
{
	size_t length = strcspn(text, ":");

	return text[length] ? length + 1 : 0;
}

static bool has_scheme(const char *reference)
{
	for (const struct term *form = help_references; form->term; form++) {
		size_t length = scheme_length(form->term);
		if (length && strncmp(reference, form->term, length) == 0)
			return true;
	}
	return false;
}

/* "oci:x:y" for "ocii:x:y"; NULL when no scheme is near. */
static char *nearest_form(const char *reference)
{
	_cleanup_strings_ struct strings schemes = {0};
	size_t length = scheme_length(reference);
	_cleanup_free_ char *given = xstrndup(reference, length ? length - 1 : 0);

	for (const struct term *form = help_references; form->term; form++)
		if (scheme_length(form->term))
			strings_take(&schemes, xstrndup(form->term, scheme_length(form->term) - 1));
	const char *nearest = length ? did_you_mean(given, (const char *const *)schemes.items) : NULL;
	return nearest ? xasprintf("%s:%s", nearest, reference + length) : NULL;
}

void explain_reference(const char *reference, struct error *err)
{
	_cleanup_buf_ struct buf hint = {0};

	if (err->code != ENOENT || has_scheme(reference) || path_exists(reference))
		return;
	_cleanup_free_ char *nearest = nearest_form(reference);
	if (nearest) {
		error_hint(err, "did you mean %s?", nearest);
		return;
	}
	if (err->hint)
		buf_printf(&hint, "%s\n", err->hint);
	buf_puts(&hint, "what can be run:");
	for (const struct term *form = help_references; form->term; form++)
		buf_printf(&hint, "\n  %-30s  %s", form->term, form->meaning);
	error_hint(err, "%s", hint.data);
}
