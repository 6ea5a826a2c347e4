export { k6Generator } from './k6.ts'
export { mergeResults, resultOfShards } from './merge.ts'
export { type LoadPlan, planOf, type ShardSummary } from './plan.ts'
