/* CPU quota of the Linux control group that this process is in. */
#ifndef FCT_BASE_CGROUP_H
#define FCT_BASE_CGROUP_H

/* CPUs that the quota allows, the least over the group and all its parents; 0 =
 * no limit, no control groups, or another system. Understands version 2
 * (cpu.max) and version 1 (cpu.cfs_quota_us, cpu.cfs_period_us).
 * proc_self: the process's folder (/proc/self); mount: where the hierarchies are
 * mounted (/sys/fs/cgroup). */
double fct_cgroup_cpus(const char *proc_self, const char *mount);

#endif
