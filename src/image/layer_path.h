/* SPDX-License-Identifier: Apache-2.0 */
/* The names in a layer, made into paths of the tree. Internal to layers. */
#pragma once

#include "image/tree.h"

/* "./usr//bin/" and "/usr/bin" become "usr/bin", "./" becomes "". -EINVAL for "..", which no tool
 * that makes layers writes. */
int layer_path_clean(const char *name, char **ret, struct error *err);

/*
 * The clean path with the symbolic links among its parents followed inside of the tree; what does
 * not exist is taken as it is. -ELOOP for a link that the layer being put has itself brought,
 * that leads out of the tree, or too many.
 */
int layer_path_resolve(const struct tree *tree, const char *path, char **ret, struct error *err);
