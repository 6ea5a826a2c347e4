import { isIPv4, isIPv6 } from 'node:net'

/** A run of addresses; those of IPv4 are kept apart from those of IPv6 by `family`. */
export interface Range {
  readonly family: 4 | 6
  readonly from: bigint
  readonly to: bigint
}

/** The addresses of a CIDR block, or undefined when it is none. */
export function rangeOf(cidr: string): Range | undefined {
  const [address = '', prefix, more] = cidr.split('/')
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('.') && !address.includes('%') ? 6 : undefined
  if (family === undefined || more !== undefined) return undefined
  const bits = family === 4 ? 32 : 128
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
  if (!(length <= bits)) return undefined
  const size = 1n << BigInt(bits - length)
  const from = (numberOf(address, family) / size) * size
  return { family, from, to: from + size - 1n }
}

function numberOf(address: string, family: 4 | 6): bigint {
  if (family === 4) return address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups = tail === undefined ? left : [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  return groups.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n)
}

export const rangesOf = (...cidrs: string[]): Range[] => cidrs.flatMap((cidr) => rangeOf(cidr) ?? [])

export const overlap = (one: Range, other: Range): boolean => one.family === other.family && one.from <= other.to && other.from <= one.to

export const within = (inner: Range, outer: Range): boolean =>
  inner.family === outer.family && inner.from >= outer.from && inner.to <= outer.to

/** What is left of some ranges without others. */
export const without = (ranges: readonly Range[], taken: readonly Range[]): Range[] =>
  taken.reduce<Range[]>((left, hole) => left.flatMap((range) => cut(range, hole)), [...ranges])

function cut(range: Range, hole: Range): Range[] {
  if (!overlap(range, hole)) return [range]
  const before = range.from < hole.from ? [{ ...range, to: hole.from - 1n }] : []
  const after = range.to > hole.to ? [{ ...range, from: hole.to + 1n }] : []
  return [...before, ...after]
}

/** What is common to both. */
export const common = (ranges: readonly Range[], others: readonly Range[]): Range[] =>
  ranges.flatMap((range) =>
    others
      .filter((other) => overlap(range, other))
      .map((other) => ({
        family: range.family,
        from: range.from > other.from ? range.from : other.from,
        to: range.to < other.to ? range.to : other.to,
      })),
  )

// Made when they are first asked for, as most runs judge no addresses, and then kept, as every pair of pods is compared with them.
const kept = (make: () => Range[]): (() => readonly Range[]) => {
  let made: readonly Range[] | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** Private address space: where the pods of a cluster are, unless its description says more. */
export const privateRanges = kept(() => rangesOf('10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'))

const special = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3', '::/8', 'fe80::/10', 'ff00::/8']

/** Every address that belongs to nobody in particular here: the internet. */
export const internet = kept(() => without(rangesOf('0.0.0.0/0', '::/0'), [...privateRanges(), ...rangesOf(...special)]))
