import { isIP } from 'node:net'

const addresses =
  /\b(?:10\.\d{1,3}\.\d{1,3}\.\d{1,3}|192\.168\.\d{1,3}\.\d{1,3}|172\.(?:1[6-9]|2\d|3[01])\.\d{1,3}\.\d{1,3}|169\.254\.\d{1,3}\.\d{1,3}|127\.\d{1,3}\.\d{1,3}\.\d{1,3})(?::\d{1,5})?\b/g

const names =
  /\b(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+(?:svc\.cluster\.local|cluster\.local|internal|corp|intranet|lan|local)(?::\d{1,5})?\b|\bip-\d+-\d+-\d+-\d+\b/gi

/** Private addresses and internal names in a text, without those of the address the target itself is reached at. */
export function addressesIn(text: string, url: string): string[] {
  const own = hostOf(url)
  const found = [...text.matchAll(addresses), ...text.matchAll(names)].map(([match]) => match)
  return found.filter((address) => {
    const host = address.split(':', 1)[0]!
    if (isIP(host) === 0) return host !== own.hostname
    // A target on this machine is surrounded by others that are.
    if (host.startsWith('127.') && isLoopback(own.hostname)) return false
    return host !== own.hostname
  })
}

const isLoopback = (hostname: string): boolean => hostname.startsWith('127.') || hostname === 'localhost' || hostname === '[::1]'

const hostOf = (url: string): { host: string; hostname: string } => {
  const { host, hostname } = URL.parse(url.split(' ', 1)[0]!) ?? { host: '', hostname: '' }
  return { host, hostname }
}
