/* /proc/self/cgroup has one line per hierarchy: ID:CONTROLLERS:PATH, with ID 0 and
 * no controllers for version 2. Inside a container PATH may be one that only
 * the host sees; then the mount's own root is the group. */
#include "base/cgroup.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>

/* First line of dir/name into buf; false if it cannot be read. */
static bool read_line(const char *dir, const char *name, char *buf, int cap) {
    char path[1400];
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return false;
    FILE *f = fct_fopen(path, "r");
    if (!f) return false;
    bool ok = fgets(buf, cap, f) != NULL;
    fclose(f);
    return ok;
}

static double ratio(const char *quota, const char *period) {
    double q = strtod(quota, NULL), p = strtod(period, NULL);
    return q > 0 && p > 0 ? q / p : 0; /* "max" and -1 mean no limit */
}

static double quota_v2(const char *dir) {
    char line[128];
    if (!read_line(dir, "cpu.max", line, sizeof line)) return 0;
    char *space = strchr(line, ' ');
    return space ? ratio(line, space + 1) : 0;
}

static double quota_v1(const char *dir) {
    char quota[64], period[64];
    if (!read_line(dir, "cpu.cfs_quota_us", quota, sizeof quota)) return 0;
    if (!read_line(dir, "cpu.cfs_period_us", period, sizeof period)) return 0;
    return ratio(quota, period);
}

/* Least quota on the way from root + group up to root. */
static double least(const char *root, const char *group, double (*quota)(const char *dir)) {
    char dir[1300];
    size_t root_len = strlen(root);
    double best = 0;
    if (snprintf(dir, sizeof dir, "%s%s", root, group) >= (int)sizeof dir) return 0;
    for (;;) {
        double q = quota(dir);
        if (q > 0 && (best == 0 || q < best)) best = q;
        char *slash = strrchr(dir + root_len, '/');
        if (!slash) return best;
        *slash = 0;
    }
}

static bool lists_cpu(const char *controllers) {
    for (const char *p = controllers; *p; p += *p == ',') {
        size_t n = strcspn(p, ",");
        if (n == 3 && !memcmp(p, "cpu", 3)) return true;
        p += n;
    }
    return false;
}

/* One line of the file; 0 = no limit from it. */
static double line_limit(char *line, const char *mount) {
    char root[600];
    char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group) return 0;
    *controllers++ = 0;
    *group++ = 0;
    group[strcspn(group, "\n")] = 0;
    if (!*controllers) {
        double q = least(mount, group, quota_v2); /* version 2 alone, else beside version 1 */
        if (q > 0 || snprintf(root, sizeof root, "%s/unified", mount) >= (int)sizeof root) return q;
        return least(root, group, quota_v2);
    }
    if (!lists_cpu(controllers)) return 0;
    if (snprintf(root, sizeof root, "%s/%s", mount, controllers) >= (int)sizeof root) return 0;
    double q = least(root, group, quota_v1);
    if (q > 0 || snprintf(root, sizeof root, "%s/cpu", mount) >= (int)sizeof root) return q;
    return least(root, group, quota_v1);
}

double fct_cgroup_cpus(const char *proc_self, const char *mount) {
    char path[600], line[1200];
    if (snprintf(path, sizeof path, "%s/cgroup", proc_self) >= (int)sizeof path) return 0;
    FILE *f = fct_fopen(path, "r");
    if (!f) return 0;
    double best = 0;
    while (fgets(line, sizeof line, f)) {
        double q = line_limit(line, mount);
        if (q > 0 && (best == 0 || q < best)) best = q;
    }
    fclose(f);
    return best;
}
