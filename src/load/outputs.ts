import { format, parse } from 'node:path'

/** Outputs of k6 that are files: each k6 begins them anew. */
const files = /^(json|csv)=(.+)$/

/** What has k6 send its own metrics elsewhere too. `ordinal` counts the processes of a run from 1: each gets files of its own. */
export const outputArguments = (outputs: readonly string[], ordinal: number): string[] =>
  outputs.flatMap((output) => {
    const [, kind, path] = files.exec(output) ?? []
    return ['--out', kind === undefined ? output : `${kind}=${numbered(path!, ordinal)}`]
  })

/** `report.html` for the first, `report-2.html` for the second. */
export function numbered(path: string, ordinal: number): string {
  if (ordinal === 1) return path
  const { dir, name, ext } = parse(path)
  // `samples.json.gz` has two.
  const dot = name.indexOf('.', 1)
  const [stem, more] = dot < 0 ? [name, ''] : [name.slice(0, dot), name.slice(dot)]
  return format({ dir, name: `${stem}-${ordinal}${more}`, ext })
}
