import type { Reporter } from '../reporter.ts'

/** The findings as they are saved, with the decision: for scripts. */
export const json: Reporter = ({ record, findings, decision }) =>
  `${JSON.stringify({ schema: 'assay/findings/1', run: record.run, ...(decision && { decision }), findings }, null, 2)}\n`
