export * from './files.ts'
export * from './read.ts'
export * from './write.ts'
