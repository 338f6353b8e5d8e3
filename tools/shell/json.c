#include "shell/json.h"

void cli_json_line(fct_json_writer *j, FILE *file) {
    fct_json_to_file(j, file);
    fct_json_object(j, NULL);
    fct_json_int(j, "schema", CLI_JSON_SCHEMA);
}
