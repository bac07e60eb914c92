// A second run made of a known one, so that there is something to compare.

const TIMES = ["min", "mean", "stddev", "p50", "p66", "p75", "p80", "p90", "p95", "p98", "p99", "p99_9", "p99_99", "max"];

/** A later run of the same plan, a third slower. */
export function slower(result) {
  const later = structuredClone(result);
  const slow = (part, names) => names.filter((name) => part[name]).forEach((name) => (part[name] = Math.round(part[name] * 1.33)));
  [later.totals, ...later.series].filter((row) => row.latency_us).forEach((row) => slow(row.latency_us, TIMES));
  for (const second of later.timeline) {
    [second, ...Object.values(second.per_series)].forEach((part) => slow(part, ["p50_us", "p95_us", "p99_us"]));
  }
  later.run.id = "later";
  return later;
}

/** The run as if it had come to its end on a quiet machine. */
export function usable(result) {
  const generator = { ...result.generator, valid: true, reasons: [] };
  return { ...result, run: { ...result.run, ended: "completed" }, generator };
}
