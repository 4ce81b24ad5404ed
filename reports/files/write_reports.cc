#include "reports/files/write_reports.h"

#include <algorithm>
#include <fstream>

#include "base/write_atomically.h"
#include "reports/files/csv.h"
#include "reports/files/json.h"
#include "reports/page/pages.h"
#include "reports/paper/paper.h"

namespace gauntlet::reports::files {

namespace fs = std::filesystem;

namespace {

/// A file of an earlier run must not stand beside reports that do not tell of it.
void write_or_remove(bool is_wanted, const fs::path& file,
                     std::string (*text)(const results::Store::Run&),
                     const results::Store::Run& run) {
  std::error_code error;
  if (is_wanted)
    write_atomically(file, text(run));
  else
    fs::remove(file, error);
}

/// Whether an earlier run made this table or figure: the author's own may lie beside them.
bool is_of_a_run(const fs::path& file) {
  const std::string name = file.filename().string();
  if (!name.starts_with("table-") && !name.starts_with("figure-")) return false;
  std::ifstream stream(file, std::ios::binary);
  std::string begin(paper::kPaperMark.size(), '\0');
  stream.read(begin.data(), std::streamsize(begin.size()));
  return begin == paper::kPaperMark;
}

/// Into a folder of its own, where what an earlier run left of its paper goes.
void write_paper(const results::RunRecords& records, const fs::path& folder) {
  const std::vector<paper::PaperFile> files = paper::paper_of(records);
  std::error_code error;
  fs::create_directories(folder, error);
  for (const paper::PaperFile& file : files) write_atomically(folder / file.name, file.text);
  std::vector<fs::path> old;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const auto is_new = [&](const paper::PaperFile& file) {
      return file.name == entry.path().filename().string();
    };
    if (entry.path().extension() == ".tex" && is_of_a_run(entry.path()) &&
        std::none_of(files.begin(), files.end(), is_new))
      old.push_back(entry.path());
  }
  for (const fs::path& file : old) fs::remove(file, error);
}

}  // namespace

void write_reports(const results::RunRecords& records, const fs::path& folder) {
  const results::Store::Run& run = records.run;
  write_atomically(folder / "report.json", report_json(run));
  write_atomically(folder / "report.csv", report_csv(run));
  write_or_remove(!run.certifications.empty(), folder / "certified.csv", certified_csv, run);
  write_or_remove(!run.differences.empty(), folder / "differences.csv", differences_csv, run);
  write_atomically(folder / "report.md", page::report_markdown(run));
  write_paper(records, folder / "paper");
  write_atomically(folder / "report.html", page::report_html(records));
}

}  // namespace gauntlet::reports::files
