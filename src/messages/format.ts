import { AssayError, type ErrorRecord, recordOf } from './error.ts'
import { type ErrorCode, templates } from './templates.ts'

// A value that came from elsewhere must not be able to look like a line of ours.
const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim()

/** The text of an error, as it is written to stderr. */
export function formatError(error: AssayError | ErrorRecord): string {
  const record = error instanceof AssayError ? recordOf(error) : error
  const rows = [
    ['sent', record.sent],
    ['got', record.got],
    ['likely', record.likely],
    ['try', record.attempt],
    ['see', `assay explain ${record.code}`],
  ].filter((row): row is [string, string] => row[1] !== undefined)
  return [`error[${record.code}] ${oneLine(record.message)}`, ...rows.map(([name, text]) => `  ${name.padEnd(8)}  ${oneLine(text)}`)].join(
    '\n',
  )
}

/** What `assay explain <code>` prints. */
export function explainError(code: ErrorCode): string {
  const template = templates[code]
  return [
    `${code}: ${template.says}`,
    '',
    template.why,
    '',
    `  likely    ${template.likely}`,
    `  try       ${template.try}`,
    `  exit      ${template.exit}`,
  ].join('\n')
}
