export * from './browser.ts'
export * from './forging-issuer.ts'
export * from './listener.ts'
export * from './scripted-upstream.ts'
