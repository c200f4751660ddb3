#include "report/reason_words.hpp"

namespace dagloop {
namespace {

constexpr Wording kEnglish[] = {
    // Data.
    {"no_data", "no valid record before {as_of}"},
    {"data_stale",
     "the newest record is of {newest}, more than {max_age_s:duration} before {as_of}"},
    {"malformed_share_above_limit",
     "{share:rate} of the lines of the {of} are malformed ({malformed} of {records}); the limit is "
     "{max_share:rate_limit}[; the first of the log: {places}]"},
    {"report_of_earlier_version",
     "an earlier version of dagloop wrote the report, and it does not say what could not be read; "
     "evaluate the log again"},
    {"no_canary_runs", "{>no_runs}"},
    {"no_control_runs", "{>no_runs}"},
    {"no_cohorts",
     "the rollout stands at {percent} %, and no run between {from} and {to} has the field "
     "`{field}`: what the canary did cannot be told from what control did, so nothing is decided. "
     "Write canary or control into the field `{field}` of each run, or name the log's own field in "
     "the mapping (docs/data-contract.md)"},
    {"no_comparable_runs",
     "only {runs} of {all_runs} runs of {subject:name} have others like them among those of "
     "{reference:name}: of one pipeline and plan source. From {from} to {to} too little can be "
     "compared. Let both have runs of the same pipelines and plan sources (the quality report "
     "lists those of each), or judge these runs yourself"},
    {"no_baseline", "the {reference:name} holds no DAG run to compare with"},
    // Gate.
    {"no_checks", "the gate has no checks: nothing was judged"},
    {"gate_pass", "the gate passed"},
    {"gate_fail", "the gate failed"},
    {"gate_insufficient", "too few observations for the gate"},
    {"*_ok", "{>judged}; as demanded, {comparator} {threshold:limit}"},
    {"*_below_threshold", "{>judged}; demanded is {comparator} {threshold:limit}"},
    {"*_above_threshold", "{>judged}; demanded is {comparator} {threshold:limit}"},
    // Gate and triggers.
    {"*_insufficient", "{kpi} of {population}: {have} of {need} observations; {>forecast}"},
    {"*_insufficient",
     "{kpi} of {population}: {have} of {need} observations; the report holds no value"},
    {"*_insufficient", "{kpi}: {have} of {need} observations of {side:name}; {>forecast}"},
    {"*_insufficient", "{kpi}: {have} of {need} observations of {side:name}"},
    {"*_insufficient", "{kpi}: no value for {side:name}"},
    {"canary_missing_fired", "{>missing}"},
    {"canary_missing_unconfirmed", "{>missing}; {>held}"},
    {"canary_missing_quiet", "{>missing}"},
    {"canary_missing_insufficient", "{>missing}"},
    {"success_collapse_fired", "{>cold}"},
    {"success_collapse_unconfirmed", "{>cold}; {>held}"},
    {"success_collapse_quiet", "{>cold}"},
    {"success_collapse_insufficient", "{>cold}"},
    {"*_fired", "{>trigger}"},
    {"*_quiet", "{>trigger}"},
    {"*_unconfirmed", "{>trigger}; {>held}"},
    {"latency_slower",
     "{subject:name} is slower than {reference:name}: {subject_share:rate} of its runs take "
     "over {at_ms:ms}, of {reference:name} {reference_share:rate}; {>sure}"},
    // What stands against a change, or for it.
    {"change_under_verification", "a change is under verification; the next one waits for its end"},
    {"cooldown", "cool-down after a rollback until {until}"},
    {"soak_not_over",
     "the policy is in force since {since}; it soaks for {soak_s:duration}, until {until}"},
    {"soak_not_over", "in force since {since}; verified at the earliest at {until}"},
    {"canary_sample_insufficient", "{>sample}"},
    {"control_sample_insufficient", "{>sample}"},
    {"inferior_to_control", "{>margin}: lower by more than the margin of {margin_pp:.6g} points"},
    {"not_inferior_to_control", "{>margin}: within the margin of {margin_pp:.6g} points"},
    {"no_evidence", "no runs of both sides were counted yet: nothing speaks for a promotion"},
    {"inferiority_excluded",
     "a drop of {drop_pp:.6g} points or more is excluded: the chance of figures this good in spite "
     "of "
     "one is {e_value:chance}{>clusters}"},
    {"evidence_not_sealed",
     "the runs up to {until} alone do not exclude that drop yet; records of later runs may still "
     "come"},
    {"inferiority_not_excluded",
     "a drop of {drop_pp:.6g} points or more is not excluded yet: the chance of figures this good "
     "in "
     "spite of one is {e_value:chance}, and below {needed:odds} is asked for{>clusters}"
     "{>outlook}"},
    {"cannot_be_decided",
     "{>undecidable} the smallest drop that {patience_s:wait} more would exclude is {drop_pp:.1f} "
     "points; {>what_would_help}"},
    {"cannot_be_decided", "{>undecidable} no drop at all could be excluded; {>what_would_help}"},
    {"promotion_not_allowed", "{fault}"},
    {"promotion_not_allowed", "{key} is not on the allowlist"},
    {"unreadable_records_could_change_this",
     "{>unread} of {subject:name} and {reference_unread} of {reference:name}{>parts}{>then}[; "
     "the margin allows {allowed}]{>leave}"},
    {"unreadable_records_could_change_this",
     "{>unread} since the change and {unread_before} before it{>parts}{>then}{>leave}"},
    {"unreadable_records_could_change_this",
     "{>rule_on_key} waits: {>unread}{>parts}, and its condition may not hold"},
    {"unreadable_records_could_change_this", "{>unread}{>parts}{>then}{>leave}"},
    {"canary_share_too_high",
     "{share:rate} of the runs with a cohort are the canary's ({canary} of {runs}), at a rollout "
     "of "
     "{percent} %; the limit is twice that, {max_share:rate_limit}. Look at what sends runs to the "
     "canary: what is counted of it may be other traffic"},
    {"excluded_by_evidence",
     "the evidence of {trigger} excluded this policy at {since}: it goes no step up until a person "
     "begins a new rollout[, after the cool-down until {until}]: apply_dag_policy --config FILE "
     "--new-rollout --why TEXT --apply"},
    {"success_declined",
     "a slow decline, and a person has to look: the success rate is {>value}; when this policy was "
     "verified it was {then_value:rate} of {then_total} runs (at least {then_low:rate} "
     "with 95 % confidence), and it is {decline_pp:.3g} points below that now; the limit is "
     "{limit_decline_pp:.6g}. Nothing is taken back for it, because what the service depends on "
     "may "
     "have declined. Look for what changed since {then_since}; then go back (apply_dag_policy "
     "--config FILE --rollback --apply), or take the present rate for the usual one "
     "(apply_dag_policy --config FILE --new-rollout --why TEXT --apply)"},
    {"ladder_complete", "at the ladder's top, and nothing to recommend"},
    {"at_top_step", "the rollout is at the ladder's top"},
    {"nothing_to_roll_back_to",
     "no verified policy and no ladder step below {percent} %; an operator must act"},
    // Verification.
    {"verification_missed", "{why}"},
    {"verification_passed", "the change passed its verification: {why}"},
    {"*_unconfirmed", "{why}; this may be noise: the rate lies between {low:rate} and {high:rate}"},
    {"fails_as_before_the_change",
     "a check failed before the change, and fails no worse since: {why}"},
    {"effect_within_margin",
     "its effect is not worse than no change beyond the margin of {margin_pp:.6g} points: {kpi} is "
     "{>value}, before the change {>reference_value}"},
    {"effect_beyond_margin",
     "{kpi} is {>value}, before the change {>reference_value}: lower by more than the margin of "
     "{margin_pp:.6g} points"},
    // Recommendations.
    {"recommendations_wait", "{count} recommended changes wait: one change at a time"},
    {"policy_change_recommended", "rule {rule} (group {group}): {rule_reason}"},
    {"rollout_key_moves_by_ladder", "{>rule_on_key} moves by the ladder alone"},
    {"key_not_allowlisted", "{>rule_on_key} is not on the allowlist"},
    {"key_not_allowlisted", "{key} is not on the allowlist"},
    {"key_not_in_env_file", "{>rule_on_key} does not stand in the env file"},
    {"better_rank_wins", "{>rule_on_key} already has a rule of better rank"},
    {"model_badly_calibrated",
     "{>rule_on_key}: the predictions of its model {model} were wrong too often; it proposes "
     "nothing"},
    {"rule_had_no_effect",
     "{>rule_on_key} is not used again: {>its_change} had no effect{>figure_then}"},
    {"rule_was_undone", "{>rule_on_key} is not used again: {>its_change} was undone{>figure_then}"},
    {"value_was_rolled_back",
     "{key}={to} is not proposed again: {>its_change} was undone{>figure_then}"},
    {"no_change_is_best", "{>rule_on_key} stays: {why}"},
    {"not_applicable", "{>rule_on_key} holds nothing that can be added to or multiplied"},
    {"already_in_force", "{>rule_on_key} is already {value}[ ({clipped})]"},
    {"not_allowed", "{>rule_on_key} may not change so: {fault}"},
    {"condition_met", "{>condition}"},
    {"condition_met_but_for_noise", "{>condition} but for noise, and proposed already"},
    {"node_meets", "node {node}: {met}"},
    {"clipped_by_bounds", "{suggested} was suggested; clipped to {value} by the bounds"},
    {"clipped_by_maximum_step",
     "{suggested} was suggested; clipped to {value} by the maximum step"},
    {"no_value_within_bounds_and_step", "no value is within both the bounds and the maximum step"},
    {"value_of_other_type", "{key}: \"{value}\" is no {demand}"},
    {"value_not_listed", "{key}: \"{value}\" is none of {demand}"},
    {"value_below_minimum", "{key}: {value} is below the minimum {limit}"},
    {"value_above_maximum", "{key}: {value} is above the maximum {limit}"},
    {"step_above_maximum", "{key}: from {from} to {value} is more than the maximum step {limit}"},
    {"no_way_back", "there is no way back to the present value, {why}"},
    // What models answer.
    {"no_other_value", "no other value is within bounds and step"},
    {"best_gains_too_little",
     "no change is the best answer: of {tried} values tried the best, {value}, is expected to "
     "change the success rate by {estimate_pp:+.2f} pp (80 %: {low_pp:+.2f} to {high_pp:+.2f})"},
    {"every_gain_too_slow",
     "no change is the best answer: every value that gains enough takes p95 over its threshold of "
     "{limit_ms:ms_limit}"},
    {"too_few_pairs",
     "the log has attempts of {pairs} pairs of run and node, too few for the model"},
    {"too_few_retries", "the log has {retries} retries, too few to say what another is worth"},
    {"too_few_durations",
     "the log has the durations of {attempts} attempts, too few for the model"},
    {"too_few_runs", "{runs} runs are too few for the model"},
    {"value_not_above_zero", "the present value is no number above 0"},
    {"no_fan_out", "no run has a for_each"},
    {"assumed_by_one_more_attempt",
     "an added attempt mends as many of a node's failures as its retries did, but for those that "
     "last"},
    {"assumed_by_node_timeout",
     "attempts that the timeout cuts off last as a Pareto tail of the others lets expect, or hang; "
     "each is as likely to succeed as those that end in time"},
    {"assumed_by_pipeline_timeout",
     "runs that the timeout cuts off last as a Pareto tail of the others lets expect, or hang; "
     "each "
     "is as likely to succeed as those that end in time"},
    {"assumed_by_fan_out_concurrency",
     "refusals fall with a power of 0.5 to 3 of the concurrency, or end below a limit; any share "
     "of "
     "a run's time may be its for_each: one setting was seen, a guess"},
    {"assumed_by_fallback",
     "every run that fails by the language model falls back, and succeeds as often as runs planned "
     "that way do (unknown where there are none)"},
    // Parts.
    {">value", "{value:figure} ({count} of {total})"},
    {">value", "{value:figure} (n = {n})"},
    {">value", "{value:figure}"},
    {">reference_value", "{reference_value:figure} ({reference_count} of {reference_total})"},
    {">reference_value", "{reference_value:figure} (n = {reference_n})"},
    {">reference_value", "{reference_value:figure}"},
    {">no_runs", "no {cohort} run between {from} and {to}: there is nothing to compare"},
    {">judged", "{kpi} of {population} is {>value}"},
    {">sample", "{have} of {need} runs of {side:name}; {>forecast}"},
    {">sample", "{have} of {need} runs of {side:name}; no value"},
    {">forecast",
     "{missing} more needed; at the present rate ({have} in {window_s:duration}) in about "
     "{wait_s:wait}"},
    {">forecast", "{missing} more needed; none came so far, so there is no telling when"},
    {">trigger",
     "{kpi} of {subject:name} is {>value}[, of {reference:name} {>reference_value}]{>alike}; the "
     "limit is {>limit}[; {>collected}]"},
    {">alike",
     "{?alike_strata}, among runs of the same pipeline and plan source ({alike_strata} kinds)"},
    {">alike", ""},
    {">trigger", "{kpi} of {subject:name}; the limit is {>limit}[; {>collected}]"},
    {">missing",
     "{canary_runs} of {runs} runs with a cohort are the canary's; the rollout stands at "
     "{expected_share:rate_limit}, and less than half of that is too few[; {>collected}]"},
    {">cold", "of the runs that began before both sides were warm: {>trigger}"},
    {">limit", "a drop of {limit_drop_pp:.6g} points or more"},
    {">limit", "a rise of {limit_rise_pp:.6g} points or more"},
    {">limit",
     "{limit_from_times:.6g} times that or more ({floored_to:figure} in place of 0), with at least "
     "{error_floor}"},
    {">limit", "{limit_from_times:.6g} times that or more, with at least {error_floor}"},
    {">limit", "{limit_from_times:.6g} times that or more"},
    {">limit", "more than {limit_above_ms:ms_limit}"},
    {">limit",
     "more than {limit_above_times:.6g} times that, taken as {floored_to:figure} where it is less"},
    {">limit", "more than {limit_above_times:.6g} times that"},
    {">collected", "{?evidence}no evidence is collected yet, so nothing is taken back"},
    {">collected", "{>evidence}"},
    {">evidence", "{?outlook}{>unsure}{>clusters}{>stretch}{>one_user}{>outlook}"},
    {">evidence", "{?more_trials}{>unsure}{>clusters}{>stretch}{>one_user}{>outlook}"},
    {">evidence", "{>sure}{>clusters}{>stretch}{>one_user}"},
    {">sure", "the chance that this is noise is {e_value:chance}"},
    {">unsure",
     "this may be noise: the chance of that is {e_value:chance}, and below {needed:odds} is asked "
     "for"},
    {">held", "until that is sure, no step up is made, and nothing is taken back"},
    {">clusters",
     "; {design_effect:.3g} runs count as one, because those of a user hang together ({users} "
     "users)"},
    {">clusters", "; {design_effect:.3g} runs count as one, because those of a day hang together"},
    {">clusters", ""},
    {">stretch",
     "; since {stretch_since} alone {stretch_events} of {stretch_trials} count against it, of "
     "{reference:name} {stretch_reference_events} of {stretch_reference_trials}"},
    {">stretch",
     "{?expected_share}; since {stretch_since} alone {stretch_events} of {stretch_trials} are the "
     "canary's"},
    {">stretch",
     "; since {stretch_since} alone {stretch_events} of {stretch_trials} count against it"},
    {">stretch", ""},
    {">one_user", "; it rests on one user ({one_user_events} of {one_user_trials})"},
    {">one_user", ""},
    {">outlook", "{?outlook}; at the present figures there is no telling when that will be enough"},
    {">outlook",
     "; about {more_trials} more runs of {subject:name} needed, at the present rate in about "
     "{wait_s:wait}"},
    {">outlook",
     "; about {more_trials} more runs needed, at the present rate in about {wait_s:wait}"},
    {">outlook", ""},
    {">margin",
     "{kpi} of {subject:name} is {>value}, of {reference:name} {>reference_value}{>alike}"},
    {">undecidable", "cannot be decided with this traffic: after {waited_s:wait}"},
    {">what_would_help", "a larger step, a longer soak or a wider margin would help"},
    {">unread", "what could not be read may hide the outcome of up to {unread} runs"},
    {">parts", "[, up to {unread_attempts} failed attempts][, {unread_values} values of runs]"},
    {">then", "[ (the first of the log: {places})][; at worst: {would}]"},
    {">leave",
     "; at {leaves_at} at the latest they count no more[, but for {without_time} without a time, "
     "until they are mended or deleted]"},
    {">leave", ""},
    {">rule_on_key", "rule {rule}: {key}"},
    {">its_change", "its change from {from} to {to} at {at}"},
    {">figure_then",
     " that was seen, and {kpi}[ of node {node}] is still what it was then ({low:figure} to "
     "{high:figure})"},
    {">figure_then", ""},
    {">condition", "{kpi} {attempts}, {comparator} {threshold:limit}"},
    {">condition", "{kpi} {>value}, {comparator} {threshold:limit}"},
    // Words that arguments hold.
    {"side", "{side:name}"},
    {"#previous_window", "previous window"},
    {"#baseline_period", "baseline period"},
    // Told by an earlier version.
    {"*", "{text}"},
};

}  // namespace

std::span<const Wording> english_words() { return kEnglish; }

}  // namespace dagloop
