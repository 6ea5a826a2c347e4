import type { Reporter } from './reporter.ts'

export type { ReportContext, Reported, Reporter } from './reporter.ts'

interface Entry {
  /** Name of the file it is written to within `reports/` of a run; those without one speak to the terminal. */
  file?: string
  load: () => Promise<Reporter>
}

/** The reporters there are, by name. */
export const reporters: Record<string, Entry> = {
  github: { load: async () => (await import('./github/github.ts')).github },
  html: { file: 'report.html', load: async () => (await import('./html/html.ts')).html },
  json: { file: 'findings.json', load: async () => (await import('./json/json.ts')).json },
  junit: { file: 'junit.xml', load: async () => (await import('./junit/junit.ts')).junit },
  pretty: { load: async () => (await import('./pretty/pretty.ts')).pretty },
  sarif: { file: 'assay.sarif', load: async () => (await import('./sarif/sarif.ts')).sarif },
}
