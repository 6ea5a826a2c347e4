export { type LoadedConfig, loadConfig } from './load.ts'
export { hasPolicies, resolveTargets, targetNames } from './resolve.ts'
export * from './types.ts'
export { validate } from './validate.ts'
