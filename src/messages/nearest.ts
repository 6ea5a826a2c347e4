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

const lastPart = (name: string): string => name.split('/').at(-1)!

// Ids are `area/noun`: people remember the noun, and a part of a name is as good as a slip or two.
function apart(asked: string, name: string): number {
  const whole = distance(asked, name)
  const part = distance(lastPart(asked), lastPart(name)) + 0.5
  return Math.min(whole, name.includes('/') ? part : whole, asked.length > 2 && name.includes(asked) ? 2 : Number.POSITIVE_INFINITY)
}

/** The names most like the one given, best first; none when nothing is near. */
export function nearest(name: string, names: readonly string[], count = 3): string[] {
  const asked = name.slice(0, 200).toLowerCase()
  return names
    .map((candidate) => ({ candidate, far: apart(asked, candidate.toLowerCase()) }))
    .filter(({ candidate, far }) => far <= Math.max(2, Math.ceil(Math.min(asked.length, candidate.length) * 0.35)))
    .sort((a, b) => a.far - b.far || a.candidate.localeCompare(b.candidate))
    .slice(0, count)
    .map(({ candidate }) => candidate)
}

/** `"a", "b" or "c"`, or undefined for none. */
export function orList(names: readonly string[]): string | undefined {
  const quoted = names.map((name) => `"${name}"`)
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}` : quoted[0]
}
