/** The chance of at least `seen` of `count` independent trials, each with this chance: the upper tail of the binomial distribution. */
export function chanceOfAtLeast(seen: number, count: number, chance: number): number {
  if (seen <= 0) return 1
  // Summed from the first term on in logarithms, which are exact enough where the terms themselves underflow.
  let logTerm = logChoose(count, seen) + seen * Math.log(chance) + (count - seen) * Math.log1p(-chance)
  let sum = 0
  for (let at = seen; at <= count; at += 1) {
    const term = Math.exp(logTerm)
    sum += term
    if (term < sum * 1e-17) break
    logTerm += Math.log((count - at) / (at + 1)) + Math.log(chance / (1 - chance))
  }
  return Math.min(1, sum)
}

function logChoose(count: number, chosen: number): number {
  let sum = 0
  for (let at = 1; at <= chosen; at += 1) sum += Math.log((count - chosen + at) / at)
  return sum
}
