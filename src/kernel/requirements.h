/* SPDX-License-Identifier: Apache-2.0 */
/* Private to src/kernel: what a build needs of the machine it runs on. */
#pragma once

#include "base/buf.h"
#include "base/error.h"
#include "kernel/config.h"

/* Adds the packages that every build needs and that are missing (`config` NULL), or those that
 * only options of a configuration need. */
void requirements_missing(const struct config *config, struct strings *ret);
/* An error that names them all, with the command that installs them. */
int requirements_error(const struct strings *missing, struct error *err);
