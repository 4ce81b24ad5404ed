// How many processors this process may use, and how busy they are.
#pragma once
#include <filesystem>
#include <string>

namespace gauntlet {

/// Processors this process may use at the same time: those it is bound to, or what the quota of its
/// control group (a container's limit) adds up to where that is less; at least 1.
int available_processors();

/// Threads of this and other processes that run at this moment, on the whole machine; 0 where that
/// cannot be told.
int running_threads();

/// The processors that the quotas of a control group and of those above it allow; 0: no limit.
/// `groups`: where control groups are mounted, such as /sys/fs/cgroup. `membership`: what
/// /proc/self/cgroup says. Version 1 and 2.
double quota_of_control_group(const std::filesystem::path& groups, const std::string& membership);

}  // namespace gauntlet
