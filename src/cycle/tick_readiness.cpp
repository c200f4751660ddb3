#include "cycle/tick_readiness.hpp"

#include "dagloop/cycle/closed_places.hpp"
#include "dagloop/cycle/forward_clock.hpp"
#include "dagloop/cycle/needed_files.hpp"
#include "dagloop/cycle/policy_files.hpp"
#include "dagloop/cycle/preflight.hpp"

namespace dagloop {
namespace {

// What cannot be examined is a fault of its own, not a reason to end here.
std::optional<Error> examination_fault(FileSystem& files, const NeededFiles& needed) {
  try {
    return missing_files(files, needed);
  } catch (const Error& error) {
    return error;
  }
}

}  // namespace

void TickReadiness::check_files(std::vector<std::string>& notes) {
  const Config& config = context_.config;
  const NeededFile rules = rules_file(config.policy);
  const NeededFile approvers = approvers_file(config.policy);
  const NeededFiles always = together(policy_files(config.policy), source_files(config.input));
  if (!applies()) {
    check_present(context_.files, together(always, {rules}));
    if (const auto fault = approvers_fault(context_.files, config.policy)) {
      lacks_approvers_ = true;
      notes.push_back(std::string("no change can be approved yet: ") + fault->what());
    }
    return;
  }
  unready_ = examination_fault(context_.files, {rules, approvers});
  // Rules and approvers missing do not stop a tick: a way back takes neither.
  if (!missing_files(context_.files, always)) return;
  const bool can_examine_all = !unready_ || unready_->kind() == ErrorKind::config;
  check_present(context_.files, can_examine_all ? together(always, {rules, approvers}) : always);
}

void TickReadiness::read_rules_and_approvers() {
  try {
    rules_ = read_rules(context_.files, context_.config.policy);
  } catch (const Error& error) {
    if (!applies()) throw;
    if (!unready_) unready_ = error;
  }
  if (applies() && !unready_) unready_ = approvers_fault(context_.files, context_.config.policy);
}

// A full disk, or reports that cannot be written, must not keep a burning canary in force: whether
// this tick has to go back is seen first.
void TickReadiness::check_machine(const Clock& machine, std::optional<TimePoint> now) {
  unfit_.reset();  // of an earlier look
  unwritable_.reset();
  if (now && applies()) {
    unfit_ = clock_fault(machine.now(), *now, context_.config.input.future_skew);
  }
  if (!unfit_) unfit_ = context_.store.doubt();
  if (unfit_) return;
  try {
    check_preflight(context_.files, context_.config,
                    applies() ? EnvFileUse::write : EnvFileUse::read);
  } catch (const Error& error) {
    if (!applies() || error.kind() != ErrorKind::preflight) throw;
    unfit_ = error;
  }
  if (!applies()) unwritable_ = replacement_fault(context_.files, context_.config.policy);
}

}  // namespace dagloop
