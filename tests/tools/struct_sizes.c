/* Prints the sizes of public structures, "name size", for bindings that describe them anew. */
#include <facet/facet.h>
#include <stdio.h>

#define SIZE(name) printf("%s %zu\n", #name, sizeof(fct_##name))

int main(void) {
    SIZE(error), SIZE(view), SIZE(face), SIZE(task_info), SIZE(pack_opts), SIZE(pack_file), SIZE(analyzer_opts);
    SIZE(decode_opts), SIZE(tensor_info), SIZE(tensor), SIZE(gallery_opts), SIZE(enrollment), SIZE(match), SIZE(person);
    SIZE(stored_face), SIZE(gallery_info), SIZE(quality), SIZE(warning), SIZE(enroll_opts), SIZE(enroll_result);
    SIZE(collection), SIZE(search_opts), SIZE(negative), SIZE(similar), SIZE(details), SIZE(audit_entry);
    return 0;
}
