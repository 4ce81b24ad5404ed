// A job as text and back, so that another process can answer it.
#pragma once
#include <string>

#include "suite/job.h"

namespace gauntlet::suite {

/// All of the job: what its entries say, too, so that no suite and no registry is asked again.
std::string to_json(const Job& job);
/// The job that was written. Throws BadInput: no JSON, a key that is missing, a value that cannot
/// be.
Job job_from_json(const std::string& text);

}  // namespace gauntlet::suite
