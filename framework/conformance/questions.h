// What the questions to attacks and those to defenses have in common: a table of promises, asked
// one by one, and which of them a misdeed breaks.
#pragma once
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/invalid_result.h"
#include "conformance/asked_plugin.h"
#include "conformance/promise.h"
#include "evaluation/misdeeds.h"
#include "evaluation/process_state.h"
#include "evaluation/rules.h"

namespace gauntlet::conformance {

/// Of what a plugin does wrong, which part a promise is about. What is wrong beside it is the
/// reason that the promise cannot be asked.
enum class About {
  kAnswers,  ///< what comes back
  kLent,     ///< what it is lent
  kSettings  ///< settings of the process
};

template <class Trial>
struct Question {
  const char* promise;
  void (*ask)(Trial&);
  const char* hopeless = nullptr;  ///< where it is broken, why the rest need not be asked
  About about = About::kAnswers;
};

/// What every question has at hand: the plugin, made as it is to be asked.
template <class Plugin>
class PluginTrial : public evaluation::Environment {
 public:
  /// `unusable`: why nothing else can be asked of a plugin whose answers are wrong.
  PluginTrial(const PluginUnderTest<Plugin>& plugin, const char* unusable)
      : plugin_(plugin), unusable_(unusable) {}

  void ask_about(About about) { about_ = about; }

  std::unique_ptr<Plugin> make() const {
    return plugin_.make(small_parameters(plugin_.schema, plugin_.params));
  }
  /// For the question whether it can be made at all: that it refuses its own defaults is no
  /// question that cannot be asked.
  std::unique_ptr<Plugin> require_made() const {
    try {
      return make();
    } catch (const ParamError& error) {
      throw Broken{error.what()};
    }
  }
  /// Another attack costs as much: few steps of it.
  std::unique_ptr<Attack> attack(const Use& use) override {
    Use small = use;
    for (const char* name : {"steps", "iterations"})
      if (small.with.contains(name)) small.with[name] = 3;
    return plugin_.attack(small);
  }

  /// What `work` gives. A misdeed breaks the promise that is about it.
  template <class Work>
  auto judged(const Work& work) const {
    try {
      return work();
    } catch (const evaluation::WritesIntoLent& error) {
      answer(About::kLent, "it writes into what it is lent", error);
    } catch (const evaluation::DisturbsSettings& error) {
      answer(About::kSettings, "it changes settings of the process", error);
    } catch (const InvalidResult& error) {
      answer(About::kAnswers, unusable_, error);
    } catch (const PluginFailure& error) {
      answer(About::kAnswers, unusable_, error);
    }
  }

 protected:
  const PluginUnderTest<Plugin>& plugin() const { return plugin_; }

 private:
  [[noreturn]] void answer(About misdeed, const char* otherwise,
                           const std::exception& error) const {
    if (about_ == misdeed) throw Broken{error.what()};
    throw NotAsked{otherwise};
  }

  const PluginUnderTest<Plugin>& plugin_;
  const char* const unusable_;
  About about_ = About::kAnswers;
  evaluation::ProcessState process_;  // what one question changes, the next does not see
};

template <class Trial, std::size_t N>
std::vector<std::string> promises_of(const Question<Trial> (&questions)[N]) {
  std::vector<std::string> out;
  for (const Question<Trial>& question : questions) out.emplace_back(question.promise);
  return out;
}

template <class Trial, class UnderTest>
Answer ask(const Question<Trial>& question, const UnderTest& plugin) {
  return answer_of(question.promise, [&] {
    Trial trial(plugin);
    trial.ask_about(question.about);
    trial.judged([&] { question.ask(trial); });
  });
}
/// std::out_of_range for a promise that there is not.
template <class Trial, std::size_t N, class UnderTest>
Answer ask_one(const Question<Trial> (&questions)[N], const UnderTest& plugin,
               const std::string& promise) {
  for (const Question<Trial>& question : questions)
    if (promise == question.promise) return ask(question, plugin);
  throw std::out_of_range("nothing promises '" + promise + "'");
}
template <class Trial, std::size_t N, class UnderTest>
std::vector<Answer> ask_all(const Question<Trial> (&questions)[N], const UnderTest& plugin,
                            const Listener& listener) {
  using State = Answer::State;
  std::vector<Answer> out;
  const char* hopeless = nullptr;
  for (const Question<Trial>& question : questions) {
    if (listener.asking) listener.asking(question.promise);
    out.push_back(hopeless ? Answer{question.promise, State::kNotAsked, hopeless}
                           : ask(question, plugin));
    if (out.back().state == State::kBroken && question.hopeless) hopeless = question.hopeless;
    if (listener.answered) listener.answered(out.back());
  }
  return out;
}

}  // namespace gauntlet::conformance
