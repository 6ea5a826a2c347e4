import { isIP } from 'node:net'

/** Loopback, private or link-local, as written in the URL; names are not resolved, but for `localhost`. */
export function isLocal(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, '')
  if (host === 'localhost' || host.endsWith('.localhost')) return true
  if (isIP(host) === 4) return /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.)/.test(host)
  return isIP(host) === 6 && /^(::1$|f[cd]|fe80)/i.test(host)
}
