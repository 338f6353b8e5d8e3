#include "photos/report.h"

#include <math.h>

void cli_json_photo(fct_json_writer *j, const cli_photo *p) {
    fct_view v = fct_image_view(p->image);
    fct_json_text(j, "file", p->name);
    fct_json_int(j, "width", v.width);
    fct_json_int(j, "height", v.height);
}

static void json_points(fct_json_writer *j, const char *key, const float *v, int n, int dim) {
    fct_json_array(j, key);
    for (int i = 0; i < n; i++) fct_json_numbers(j, NULL, v + i * dim, dim, 2);
    fct_json_close_array(j);
}

/* Writes what each task that has a key of its own has found. */
static void json_values(fct_json_writer *j, const fct_face *f) {
    fct_task_info t;
    for (int i = 0; fct_task_at(i, &t); i++) {
        const float *v = t.key ? fct_face_values(f, t.task) : NULL;
        if (v && t.rows > 1) json_points(j, t.key, v, t.rows, t.columns);
        else if (v) fct_json_numbers(j, t.key, v, t.columns, 4);
    }
}

static void json_attributes(fct_json_writer *j, const fct_face *f) {
    if (f->gender >= 0) fct_json_text(j, "gender", f->gender ? "male" : "female");
    if (f->age >= 0) fct_json_int(j, "age", f->age);
    if (f->has_pose) {
        static const char *const names[] = {"pitch", "yaw", "roll"};
        fct_json_object(j, "pose");
        for (int i = 0; i < 3; i++) fct_json_number(j, names[i], f->pose[i], 2);
        fct_json_close_object(j);
    }
    if (f->turns) fct_json_int(j, "turns", f->turns);
    json_values(j, f);
}

void cli_json_face(fct_json_writer *j, const fct_face *f) {
    fct_json_numbers(j, "box", f->box, 4, 2);
    fct_json_number(j, "score", f->score, 4);
    if (f->has_kps) json_points(j, "kps", &f->kps[0][0], 5, 2);
    json_attributes(j, f);
}

void cli_json_failure(FILE *f, const char *name, const fct_error *e) {
    fct_json_writer j;
    cli_json_line(&j, f);
    fct_json_text(&j, "file", name);
    fct_json_text(&j, "error", e->text);
    fct_json_close_object(&j);
    fct_json_end(&j);
}

void cli_format_person(const fct_face *f, char *out, size_t cap) {
    const char *gender = f->gender < 0 ? "" : f->gender ? "M" : "F";
    if (f->age < 0) snprintf(out, cap, "%s", gender);
    else snprintf(out, cap, "%s%s%d", gender, *gender ? " " : "", f->age);
}

static double whole(float x) { return rint(x) + 0.0; } /* + 0: no "-0" */

void cli_print_face(FILE *f, const fct_face *face) {
    const float *b = face->box;
    char person[32];
    cli_format_person(face, person, sizeof person);
    fprintf(f, "score %.2f  box %.0f,%.0f %.0fx%.0f", face->score, whole(b[0]), whole(b[1]), whole(b[2] - b[0]),
            whole(b[3] - b[1]));
    if (*person) fprintf(f, "  %s", person);
    if (face->has_pose)
        fprintf(f, "  yaw %.0f pitch %.0f roll %.0f", whole(face->pose[1]), whole(face->pose[0]), whole(face->pose[2]));
}

int cli_check_formats(const char *command, const cli_settings *s) {
    if (!s->json || !s->csv) return CLI_DONE;
    cli_error("%s: --json and --csv contradict each other", command);
    return CLI_USE;
}

const char *cli_count(int n, const char *one, const char *many) {
    static char texts[4][80];
    static int turn;
    char *text = texts[turn = (turn + 1) % 4];
    snprintf(text, sizeof texts[0], "%d %s", n, n == 1 ? one : many);
    return text;
}
