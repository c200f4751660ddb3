reduce (inputs | select(.created_at >= $from and .created_at < $to)) as $r ({};
  .[$r.execution_mode + "/" + ($r.cohort // "")] |= (
    .runs += 1
    | if $r.status == "succeeded" then .succeeded += 1 else . end
    | if $r.error_code then .codes[$r.error_code] += 1 else . end))
