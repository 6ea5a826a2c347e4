export { judgeAgain } from './again.ts'
export { assess, countsOf, newRunId } from './assess.ts'
export * from './types.ts'
