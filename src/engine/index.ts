export { judgeAgain } from './again.ts'
export { assess, countsOf, newRunId } from './assess.ts'
export { readContracts } from './contracts.ts'
export * from './types.ts'
