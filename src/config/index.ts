export { configNames, type LoadedConfig, loadConfig } from './load.ts'
export { defaultLimits, hasPolicies, type ResolvedTargets, resolveTargets, targetNames } from './resolve.ts'
export * from './types.ts'
export { unknownTarget, validate } from './validate.ts'
