export * from './forging-issuer.ts'
export * from './scripted-upstream.ts'
