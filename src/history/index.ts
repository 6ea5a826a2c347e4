export * from './csv.ts'
export * from './entry.ts'
export * from './file.ts'
export * from './nights.ts'
