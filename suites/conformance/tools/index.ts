import aggregation from './aggregation.ts'
import definitions from './definitions.ts'
import errors from './errors.ts'
import list from './list.ts'
import results from './results.ts'
import security from './security.ts'

export default [list, definitions, results, errors, security, aggregation]
