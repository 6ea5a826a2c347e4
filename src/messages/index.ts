export * from './error.ts'
export * from './format.ts'
export * from './nearest.ts'
export * from './templates.ts'
