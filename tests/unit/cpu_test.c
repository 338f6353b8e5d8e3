#include "base/cgroup.h"
#include "base/memory.h"
#include "base/cpu.h"
#include "base/file.h"

#include "test.h"

#if defined(__linux__) && defined(__x86_64__)
/* True when a word of a "flags" line of /proc/cpuinfo: the kernel's own reading
 * of the processor. */
static int has_flag(const char *flag) {
    static char line[16384];
    FILE *f = fopen("/proc/cpuinfo", "r");
    int found = 0;
    if (!f) return 0;
    while (!found && fgets(line, sizeof line, f)) {
        if (strncmp(line, "flags", 5)) continue;
        for (char *w = strtok(line, " \t\n:"); w; w = strtok(NULL, " \t\n:")) found |= !strcmp(w, flag);
        break;
    }
    fclose(f);
    return found;
}

TEST(level_agrees_with_the_kernel) {
    if (getenv("FCT_CPU")) SKIP("FCT_CPU caps the level");
    if (!has_flag("fpu")) SKIP("/proc/cpuinfo does not list this CPU's flags");
    int avx2 = has_flag("avx2") && has_flag("fma") && has_flag("f16c") && has_flag("bmi1") && has_flag("bmi2");
    int avx512 = avx2 && has_flag("avx512f") && has_flag("avx512bw") && has_flag("avx512dq") && has_flag("avx512vl");
    int vnni = avx512 && has_flag("avx512_vnni");
    int popcnt = vnni && has_flag("avx512_vpopcntdq");
    fct_cpu_level want = popcnt               ? FCT_CPU_AVX512POPCNT
                         : vnni               ? FCT_CPU_AVX512VNNI
                         : avx512             ? FCT_CPU_AVX512
                         : avx2               ? FCT_CPU_AVX2
                         : has_flag("sse4_1") ? FCT_CPU_SSE41
                                              : FCT_CPU_C;
    CHECK_MSG(fct_cpu_get_level() == want, "%s", fct_cpu_level_name(fct_cpu_get_level()));
}
#endif

TEST(info_is_complete) {
    fct_cpu_info a, b;
    fct_cpu(&a);
    fct_cpu(&b);
    CHECK(a.arch && a.brand && a.level && a.level_max && a.level_why && *a.arch && *a.level && *a.level_why);
    CHECK(a.cpus_online >= 1 && a.cpus_affinity >= 1 && a.cpus_cgroup >= 0);
    CHECK(a.brand == b.brand && fct_cpu_usable() >= 1 && fct_cpu_usable() <= a.cpus_affinity);
}

TEST(caches_are_plausible) {
    fct_cpu_caches c = fct_cpu_get_caches();
    CHECK_MSG(c.l1d >= 4096 && c.l1d <= (size_t)1 << 20, "%zu", c.l1d);
    CHECK_MSG(c.l2 > c.l1d && c.l2 <= (size_t)64 << 20, "%zu", c.l2);
    CHECK_MSG(c.l3 >= (size_t)1 << 18, "%zu", c.l3);
}

/* ---- Control groups: made-up trees ------------------------------------------------ */

static char root[512];

static void put(const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", root, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    REQUIRE(fct_dir_make(path, NULL) == FCT_OK);
    *slash = '/';
    REQUIRE(fct_file_write_atomic(path, text, strlen(text), NULL) == FCT_OK);
}

static void new_root(void) {
    const char *dir = getenv("FCT_TEST_DIR");
    snprintf(root, sizeof root, "%s/cgroup-test", dir ? dir : ".");
    (void)fct_dir_remove(root, NULL);
}

static double quota(void) {
    char proc[600], mount[600];
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(mount, sizeof mount, "%s/sys", root);
    double q = fct_cgroup_cpus(proc, mount);
    fct_dir_remove(root, NULL);
    return q;
}

TEST(cgroup_v2) {
    new_root();
    put("proc/cgroup", "0::/user/job\n");
    put("sys/user/job/cpu.max", "150000 100000\n");
    put("sys/user/cpu.max", "max 100000\n");
    CHECK(quota() == 1.5);
}

TEST(cgroup_v2_parent_is_tighter) {
    new_root();
    put("proc/cgroup", "0::/user/job\n");
    put("sys/user/job/cpu.max", "400000 100000\n");
    put("sys/user/cpu.max", "200000 100000\n");
    CHECK(quota() == 2);
}

TEST(cgroup_v2_path_of_the_host) {
    new_root();
    put("proc/cgroup", "0::/docker/0123\n");
    put("sys/cpu.max", "300000 100000\n");
    CHECK(quota() == 3);
}

TEST(cgroup_v2_without_limit) {
    new_root();
    put("proc/cgroup", "0::/\n");
    put("sys/cpu.max", "max 100000\n");
    CHECK(quota() == 0);
}

TEST(cgroup_v1) {
    new_root();
    put("proc/cgroup", "5:memory:/job\n4:cpu,cpuacct:/job\n3:cpuset:/job\n");
    put("sys/cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
    put("sys/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
    put("sys/cpuset/job/cpu.cfs_quota_us", "1\n");
    put("sys/cpuset/job/cpu.cfs_period_us", "100000\n");
    CHECK(quota() == 2.5);
}

TEST(cgroup_v1_without_limit) {
    new_root();
    put("proc/cgroup", "4:cpu:/job\n");
    put("sys/cpu/job/cpu.cfs_quota_us", "-1\n");
    put("sys/cpu/job/cpu.cfs_period_us", "100000\n");
    CHECK(quota() == 0);
}

TEST(cgroup_nonsense) {
    new_root();
    put("proc/cgroup", "\n:\nx\n0::\n0:cpu\n");
    put("sys/cpu.max", "hello\n");
    CHECK(quota() == 0);
    CHECK(quota() == 0); /* nothing there at all */
}

/* ---- Free memory ------------------------------------------------------------------------ */

static int64_t available(void) {
    char proc[600], mount[600];
    snprintf(proc, sizeof proc, "%s/proc", root);
    snprintf(mount, sizeof mount, "%s/sys", root);
    return fct_memory_available(proc, mount);
}

TEST(memory_that_is_free) {
    new_root();
#ifdef _WIN32
    CHECK(available() > 0 && available() < INT64_MAX); /* asked of the system */
#else
    CHECK(available() == INT64_MAX);
#endif
    put("proc/meminfo", "MemTotal:  9000 kB\nMemAvailable:  8000 kB\n");
    CHECK(available() == 8000 * 1024);
    put("sys/memory.max", "max\n");
    CHECK(available() == 8000 * 1024);
    put("sys/memory.max", "4000000\n");
    put("sys/memory.current", "1000000\n");
    CHECK(available() == 3000000);
    put("sys/memory.current", "3999999\n"); /* mostly cached files */
    CHECK(available() == 2000000);
    put("sys/memory/memory.limit_in_bytes", "1000000\n");
    CHECK(available() == 1000000);
    fct_dir_remove(root, NULL);
}

int main(int argc, char **argv) { return test_main(argc, argv); }
