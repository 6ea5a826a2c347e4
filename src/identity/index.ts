export * from './provider.ts'
export * from './sources.ts'
