// SPDX-License-Identifier: Apache-2.0
/* The image as JSON, for `lupine inspect`. */
#include "base/json.h"
#include "image/image.h"

static void set_text(json_t *object, const char *member, const char *text)
{
	json_object_set_new(object, member, text ? json_from_text(text) : json_null());
}

static json_t *ports_to_json(const struct image_config *config)
{
	json_t *list = json_array();

	for (size_t i = 0; i < config->port_count; i++)
		json_array_append_new(list, json_sprintf("%u/%s", (unsigned)config->ports[i].port,
												 config->ports[i].protocol));
	return list;
}

static json_t *config_to_json(const struct image_config *config)
{
	json_t *object = json_object();

	json_object_set_new(object, "env", json_from_strings(&config->env));
	json_object_set_new(object, "entrypoint", json_from_strings(&config->entrypoint));
	json_object_set_new(object, "cmd", json_from_strings(&config->cmd));
	set_text(object, "working_dir", config->working_dir);
	set_text(object, "user", config->user);
	set_text(object, "stop_signal", config->stop_signal);
	json_object_set_new(object, "exposed_ports", ports_to_json(config));
	json_object_set_new(object, "volumes", json_from_strings(&config->volumes));
	json_object_set_new(object, "labels", json_from_strings(&config->labels));
	return object;
}

static json_t *layers_to_json(const struct image *image)
{
	json_t *list = json_array();

	for (size_t i = 0; i < image->layer_count; i++) {
		const struct image_layer *layer = &image->layers[i];
		json_t *object = json_object();
		set_text(object, "digest", layer->digest);
		set_text(object, "diff_id", layer->diff_id);
		set_text(object, "media_type", layer->media_type);
		json_object_set_new(object, "size", json_integer((json_int_t)layer->size));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *tree_to_json(const struct tree *tree)
{
	json_t *object = json_object();

	json_object_set_new(object, "inodes", json_integer((json_int_t)tree->inode_count));
	json_object_set_new(object, "entries", json_integer((json_int_t)tree->entry_count));
	json_object_set_new(object, "data_bytes", json_integer((json_int_t)tree->data_bytes));
	return object;
}

struct json_t *image_to_json(const struct image *image)
{
	json_t *object = json_object();

	set_text(object, "reference", image->reference);
	set_text(object, "kind", image->kind);
	set_text(object, "name", image->name);
	set_text(object, "digest", image->digest);
	set_text(object, "architecture", image->config.architecture);
	set_text(object, "created", image->config.created);
	json_object_set_new(object, "config", config_to_json(&image->config));
	json_object_set_new(object, "layers", layers_to_json(image));
	if (image->tree)
		json_object_set_new(object, "tree", tree_to_json(image->tree));
	return object;
}
