import contracts from './contracts.ts'
import descriptions from './descriptions.ts'
import hints from './hints.ts'
import naming from './naming.ts'
import results from './results.ts'

export default [descriptions, naming, hints, results, contracts]
