/** The segment of one of several shards, as k6 takes it: `1/4:2/4`. */
export const segmentOf = (index: number, shards: number): string => `${index}/${shards}:${index + 1}/${shards}`

/** What makes a process of k6 send exactly its part: the parts are those of one test, arrival by arrival. */
export function segmentArguments(index: number, shards: number): string[] {
  if (shards === 1) return []
  const bounds = Array.from({ length: shards + 1 }, (_, at) => (at === 0 ? '0' : at === shards ? '1' : `${at}/${shards}`))
  return ['--execution-segment', segmentOf(index, shards), '--execution-segment-sequence', bounds.join(',')]
}
