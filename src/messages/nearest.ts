function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      row.push(Math.min(previous[j]! + 1, row[j - 1]! + 1, change))
    }
    previous = row
  }
  return previous[b.length]!
}

/** The names most like the one given, best first; none when nothing is near. */
export function nearest(name: string, names: readonly string[], count = 3): string[] {
  const asked = name.slice(0, 200).toLowerCase()
  const last = asked.split('/').at(-1)!
  return names
    .map((candidate) => {
      const lower = candidate.toLowerCase()
      const contains = asked.length > 2 && (lower.includes(asked) || asked.includes(lower))
      const tail = last.length > 2 && lower.split('/').at(-1) === last
      return { candidate, far: contains || tail ? 1 : distance(asked, lower) }
    })
    .filter(({ candidate, far }) => far <= Math.max(2, Math.ceil(Math.max(asked.length, candidate.length) * 0.4)))
    .sort((a, b) => a.far - b.far || a.candidate.localeCompare(b.candidate))
    .slice(0, count)
    .map(({ candidate }) => candidate)
}

/** `"a", "b" or "c"`, or undefined for none. */
export function orList(names: readonly string[]): string | undefined {
  const quoted = names.map((name) => `"${name}"`)
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}` : quoted[0]
}
