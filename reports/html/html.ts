import type { Reporter } from '../reporter.ts'
import { loadSection } from './load.ts'
import { html as markup } from './markup.ts'
import { style } from './style.ts'
import { findingsSection, verdictSection } from './verdict.ts'

/**
 * One page that opens from disk: what the gate says, what is wrong, and what became of traffic, with pictures. It has no script and
 * asks the network for nothing, and says so to the browser, in case something that a target sent is taken for markup after all.
 */
export const html: Reporter = (reported) => {
  const { record, loads = [] } = reported
  return `${
    markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Assay: run ${record.run}</title>
<style>${style}</style>
</head>
<body>
<header><h1>Assay ${record.assay}, run ${record.run} of ${record.started.replace('T', ' ').slice(0, 16)} UTC</h1></header>
<main>
${verdictSection(reported)}
${findingsSection(reported)}${loadSection(loads)}
</main>
</body>
</html>`.text
  }\n`
}
