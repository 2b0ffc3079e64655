// SPDX-License-Identifier: Apache-2.0
#include "bench/memory_search.h"

/* What is known so far. */
struct bounds {
	uint64_t fails, works;
};

static int try_size(memory_works works, void *data, uint64_t mib, struct bounds *bounds,
					struct error *err)
{
	int result = works(data, mib, err);

	if (result > 0)
		bounds->works = mib;
	else if (result == 0)
		bounds->fails = mib;
	return result;
}

/* From an earlier search's result in ever longer steps, downwards as long as it works, or upwards
 * as long as it does not: two tries when nothing has changed. */
static int search_near(memory_works works, void *data, uint64_t hint, struct bounds *bounds,
					   struct error *err)
{
	int first = try_size(works, data, hint, bounds, err), result = first;

	for (uint64_t step = 1; result == first && result >= 0; step *= 2) {
		if (bounds->works - bounds->fails <= step)
			return 0;
		uint64_t mib = first ? bounds->works - step : bounds->fails + step;
		result = try_size(works, data, mib, bounds, err);
	}
	return result < 0 ? result : 0;
}

int memory_search(memory_works works, void *data, uint64_t greatest, uint64_t hint, uint64_t *ret,
				  struct error *err)
{
	struct bounds bounds = {.fails = 0, .works = greatest};

	if (hint && hint < greatest && search_near(works, data, hint, &bounds, err) < 0)
		return -err->code;
	while (bounds.works - bounds.fails > 1)
		if (try_size(works, data, bounds.fails + (bounds.works - bounds.fails) / 2, &bounds, err) <
			0)
			return -err->code;
	*ret = bounds.works;
	return 0;
}
